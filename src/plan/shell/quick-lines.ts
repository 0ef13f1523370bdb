import type { Origin, ShellState } from "./state.ts";

/**
 * Environment files are mostly lines such as `export A="x:$B"`, comments, and `if [ -z "${A:-}" ]`
 * around a few of them. One regular expression a line takes them ten times faster than the parser
 * when nothing is warm yet (docs/environment.md). Whatever does not match goes to the parser: the
 * forms below leave no choice in how a shell reads them.
 */
const NAME = "[A-Za-z_][A-Za-z0-9_]*";
/**
 * `$A`, `${A}`, and the idioms `${A:+$A:}` and `${A:+:$A}`. A name ends where no further character
 * of it follows: otherwise there would be many ways to match, and a failure would try them all.
 */
const REFERENCE = `\\$${NAME}(?![A-Za-z0-9_])|\\$\\{${NAME}(?::\\+:?\\$${NAME}:?)?\\}`;
/** Between double quotes: no substitution, and only escapes that a shell removes. Unrolled: runs of plain characters in one step. */
const QUOTED = `[^"$\`\\\\]*(?:(?:\\\\[$\`"\\\\]|${REFERENCE})[^"$\`\\\\]*)*`;
/** Unquoted, in an assignment: nothing that is a tilde, a pattern or an operator. */
const BARE = `[A-Za-z0-9_@%+:,./-]*(?:(?:${REFERENCE})[A-Za-z0-9_@%+:,./-]*)*`;
const VALUE = `(?:"(${QUOTED})"|'([^']*)'|(${BARE}))`;
const END = "(?:[ \\t]+#[^\\n]*|[ \\t]*(?:;[ \\t]*)?)(?:\\n|$)";
const CONDITION = `[ \\t]*if[ \\t]+(test|\\[)[ \\t]+-([nz])[ \\t]+"\\$(?:(${NAME})|\\{(${NAME})(?::-)?\\})"[ \\t]*(\\])?[ \\t]*;[ \\t]*then[ \\t]*\\n`;
const REST = '[^"\'`\\\\\\n<>(){}|&;#]*(?:"[^"`\\\\\\n(]*"[^"\'`\\\\\\n<>(){}|&;#]*)*';

/** A default without references. */
const LITERAL = `[^"$\`\\\\}]*(?:\\\\[$\`"\\\\][^"$\`\\\\}]*)*`;

const blank = /(?:[ \t]*(?:#[^\n]*)?\n)+|[ \t]*#[^\n]*$/y;
const assignment = new RegExp(`[ \\t]*(export[ \\t]+)?(${NAME})=${VALUE}${END}`, "y");
/** `export X="${X:-"value"}"`: how the ENV of OCI images is written. */
const defaulted = new RegExp(
  `[ \\t]*export[ \\t]+(${NAME})="\\$\\{\\1:-(?:"(${LITERAL})"|(${LITERAL}))\\}"${END}`,
  "y",
);
const exported = new RegExp(`[ \\t]*export((?:[ \\t]+${NAME})+)${END}`, "y");
const condition = new RegExp(CONDITION, "y");
const turn = /[ \t]*(else|fi)[ \t]*(?:\n|$)/y;
const skipped = new RegExp(
  `[ \\t]*(?:#[^\\n]*|(?:(if|elif)[ \\t]${REST};[ \\t]*then|(for)[ \\t]+${NAME}[ \\t]+in[ \\t]${REST};[ \\t]*do)[ \\t]*|` +
    `(else|fi|done)[ \\t]*|` +
    `(?!(?:then|do|done|esac|case|for|while|until|function|select|time|coproc|if|elif|else|fi)\\b)([A-Za-z_.\\[]${REST}))?(?:\\n|$)`,
  "y",
);

/** What the quick lines need from the interpreter. */
export interface QuickHost {
  readonly state: ShellState;
  /** Offset of the running line, for messages and origins. */
  at: number;
  origin(at: number): Origin;
}

/** Carries out lines from `from` on as long as they are of the simple forms; gives the offset of the first that is not. */
export function runQuickLines(text: string, from: number, host: QuickHost): number {
  const { state } = host;
  let at = from;
  while (at < text.length) {
    if (
      state.refuseUnset ||
      state.aliases.size > 0 ||
      state.functions.has("export") ||
      state.functions.has("test")
    ) {
      return at;
    }
    const next = skipBlank(text, at) ?? runLine(text, at, host);
    if (next === undefined) return at;
    at = next;
  }
  return at;
}

function skipBlank(text: string, at: number): number | undefined {
  blank.lastIndex = at;
  return blank.test(text) ? blank.lastIndex : undefined;
}

function runLine(text: string, at: number, host: QuickHost): number | undefined {
  const { state } = host;
  host.at = at;
  assignment.lastIndex = at;
  let found = assignment.exec(text);
  if (found !== null) {
    const [, exports, name = "", quoted, literal, bare = ""] = found;
    const value = literal ?? expand(quoted ?? bare, state);
    state.set(name, value, host.origin(at));
    if (exports !== undefined) state.mark(name, { exported: true }, host.origin(at));
    state.status = 0;
    return assignment.lastIndex;
  }
  exported.lastIndex = at;
  found = exported.exec(text);
  if (found !== null) {
    for (const name of (found[1] ?? "").replaceAll("\t", " ").split(" ")) {
      if (name !== "") state.mark(name, { exported: true }, host.origin(at));
    }
    state.status = 0;
    return exported.lastIndex;
  }
  defaulted.lastIndex = at;
  found = defaulted.exec(text);
  if (found !== null) {
    const [, name = "", quoted, plain = ""] = found;
    const present = state.get(name);
    state.set(
      name,
      present === undefined || present === "" ? expand(quoted ?? plain, state) : present,
      host.origin(at),
    );
    state.mark(name, { exported: true }, host.origin(at));
    state.status = 0;
    return defaulted.lastIndex;
  }
  return runChoice(text, at, host);
}

/** `if [ -z "${X:-}" ]` whose branches are quick lines, or whose only branch is not taken. */
function runChoice(text: string, at: number, host: QuickHost): number | undefined {
  condition.lastIndex = at;
  const head = condition.exec(text);
  if (head === null) return undefined;
  const [, command, flag, plain, braced, bracket] = head;
  if ((command === "[") !== (bracket !== undefined)) return undefined;
  const first = condition.lastIndex;
  const value = host.state.get(plain ?? braced ?? "") ?? "";
  const holds = (value === "") === (flag === "z");
  const middle = passLines(text, first);
  if (middle === undefined) return holds ? undefined : skipBranch(text, first);
  const second = middle.turn === "else" ? passLines(text, middle.after) : undefined;
  if (middle.turn === "else" && second?.turn !== "fi") return undefined;
  host.state.status = 0;
  if (holds) runQuickLines(text.slice(0, middle.at), first, host);
  else if (second !== undefined) runQuickLines(text.slice(0, second.at), middle.after, host);
  return (second ?? middle).after;
}

/** Passes over assignments and comments up to `else` or `fi`; undefined when something else or no assignment comes first. */
function passLines(
  text: string,
  from: number,
): { turn: string; at: number; after: number } | undefined {
  let at = from;
  let empty = true;
  for (;;) {
    turn.lastIndex = at;
    const found = turn.exec(text);
    if (found !== null) {
      return empty ? undefined : { turn: found[1] ?? "", at, after: turn.lastIndex };
    }
    const next = skipBlank(text, at);
    if (next !== undefined) {
      at = next;
      continue;
    }
    assignment.lastIndex = at;
    if (!assignment.test(text)) return undefined;
    at = assignment.lastIndex;
    empty = false;
  }
}

/**
 * Offset after the `fi` of a branch that is not taken; undefined when it is not certain where that
 * is, when there is another branch, or when a branch holds no command (a syntax error).
 */
function skipBranch(text: string, from: number): number | undefined {
  let at = from;
  // What is open: i for if, f for for.
  let open = "i";
  let empty = true;
  while (at < text.length) {
    skipped.lastIndex = at;
    const line = skipped.exec(text);
    if (line === null) return undefined;
    at = skipped.lastIndex;
    const [, branch, loop, turns, command] = line;
    const opens = branch === "if" ? "i" : loop === undefined ? "" : "f";
    if (opens !== "") {
      open += opens;
      empty = true;
    } else if (branch !== undefined || turns !== undefined) {
      if (empty || open.endsWith("f") !== (turns === "done")) return undefined;
      if (open === "i" && turns !== "fi") return undefined;
      if (turns === "fi" || turns === "done") open = open.slice(0, -1);
      else empty = true;
    } else if (command !== undefined) {
      empty = false;
    }
    if (open === "") return at;
  }
  return undefined;
}

function expand(text: string, state: ShellState): string {
  if (!text.includes("$") && !text.includes("\\")) return text;
  return text.replace(
    /\\([$`"\\])|\$(?:\{([A-Za-z0-9_]+)(?::\+(:?)\$([A-Za-z0-9_]+)(:?))?\}|([A-Za-z_][A-Za-z0-9_]*))/g,
    (_all, escaped, braced, before, other, after, plain) => {
      if (escaped !== undefined) return escaped;
      if (other === undefined) return state.get(braced ?? plain) ?? "";
      return state.get(braced) ? before + (state.get(other) ?? "") + after : "";
    },
  );
}
