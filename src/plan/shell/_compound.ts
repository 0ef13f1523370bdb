import { readCondition } from "./_condition.ts";
import { readRedirections } from "./_redirection.ts";
import type { CaseCommand, Command, IfCommand, List, Word } from "./ast.ts";
import { isName } from "./characters.ts";
import { NeedsShell } from "./needs-shell.ts";
import type { Parser } from "./parse.ts";

/** Reserved words that end a construct: none can begin a command. */
const CLOSERS: ReadonlySet<string> = new Set([
  "then",
  "else",
  "elif",
  "fi",
  "do",
  "done",
  "esac",
  "}",
]);

/** A compound command or function definition at the position; undefined when none starts here. */
export function readCompound(parser: Parser, at: number): Command | undefined {
  if (parser.code() === 40) {
    if (parser.code(1) === 40) {
      parser.position += 2;
      const word = parser.readArithmetic();
      if (word !== undefined)
        return { kind: "arithmetic", word, redirections: readRedirections(parser), at };
      parser.position = at;
    }
    parser.position++;
    const body = parser.readSubstitution();
    if (body.length === 0) parser.fail(`syntax error near unexpected ${parser.here()}`);
    return { kind: "subshell", body, redirections: readRedirections(parser), at };
  }
  const word = parser.reservedWord();
  if (word === "" || word === "in") return undefined;
  if (CLOSERS.has(word)) parser.fail(`syntax error near unexpected ${parser.here()}`);
  parser.position += word.length;
  switch (word) {
    case "{": {
      const { list } = parser.readBody(["}"]);
      return { kind: "group", body: list, redirections: readRedirections(parser), at };
    }
    case "if":
      return readIf(parser, at);
    case "while":
    case "until": {
      const condition = parser.readBody(["do"]).list;
      const body = parser.readBody(["done"]).list;
      return {
        kind: "while",
        until: word === "until",
        condition,
        body,
        redirections: readRedirections(parser),
        at,
      };
    }
    case "for":
      return readFor(parser, at);
    case "case":
      return readCase(parser, at);
    case "[[": {
      const condition = readCondition(parser);
      return { kind: "condition", condition, redirections: readRedirections(parser), at };
    }
    case "function": {
      parser.skipBlanks();
      const name = readLiteral(parser);
      parser.skipBlanks();
      if (parser.code() === 40 && parser.code(1) === 41) parser.position += 2;
      return readFunctionBody(parser, name, at);
    }
    default:
      throw new NeedsShell(`uses "${word}"`);
  }
}

function readIf(parser: Parser, at: number): IfCommand {
  const branches: { condition: List; body: List }[] = [];
  let otherwise: List | undefined;
  for (;;) {
    const condition = parser.readBody(["then"]).list;
    const { list, stop } = parser.readBody(["elif", "else", "fi"]);
    branches.push({ condition, body: list });
    if (stop === "elif") continue;
    if (stop === "else") otherwise = parser.readBody(["fi"]).list;
    break;
  }
  return { kind: "if", branches, otherwise, redirections: readRedirections(parser), at };
}

function readFor(parser: Parser, at: number): Command {
  parser.skipBlanks();
  if (parser.code() === 40) throw new NeedsShell("uses for ((…))");
  const name = readLiteral(parser);
  if (!isName(name)) parser.fail(`\`${name}': not a valid identifier`);
  let words: Word[] | undefined;
  parser.skipNewlines();
  if (parser.reservedWord() === "in") {
    parser.position += 2;
    words = [];
    for (;;) {
      parser.skipBlanks();
      const word = parser.readWord();
      if (word === undefined) break;
      words.push(word);
    }
  }
  parser.skipBlanks();
  if (parser.code() === 59) parser.position++;
  parser.skipNewlines();
  const closer = parser.reservedWord() === "{" ? "}" : "done";
  if (closer === "done" && parser.reservedWord() !== "do")
    parser.fail(`syntax error near unexpected ${parser.here()}`);
  parser.position += closer === "}" ? 1 : 2;
  const body = parser.readBody([closer]).list;
  return { kind: "for", name, words, body, redirections: readRedirections(parser), at };
}

function readCase(parser: Parser, at: number): CaseCommand {
  parser.skipBlanks();
  const subject = parser.needWord();
  parser.skipNewlines();
  if (parser.reservedWord() !== "in") parser.fail(`syntax error near unexpected ${parser.here()}`);
  parser.position += 2;
  const clauses: CaseCommand["clauses"][number][] = [];
  for (;;) {
    parser.skipNewlines();
    if (parser.reservedWord() === "esac") break;
    if (parser.code() === 40) parser.position++;
    const patterns: Word[] = [];
    for (;;) {
      parser.skipBlanks();
      patterns.push(parser.needWord());
      parser.skipBlanks();
      if (parser.code() !== 124) break;
      parser.position++;
    }
    if (parser.code() !== 41) parser.fail(`syntax error near unexpected ${parser.here()}`);
    parser.position++;
    const body = parser.readList([";;", "esac"]);
    let end: ";;" | ";&" | ";;&" = ";;";
    if (parser.code() === 59) {
      end = parser.code(1) === 38 ? ";&" : parser.code(2) === 38 ? ";;&" : ";;";
      parser.position += end.length;
    } else if (parser.reservedWord() !== "esac") {
      parser.fail(`syntax error near unexpected ${parser.here()}`);
    }
    clauses.push({ patterns, body, end });
  }
  parser.position += 4;
  return { kind: "case", subject, clauses, redirections: readRedirections(parser), at };
}

/** What follows `name()`: any compound command. */
export function readFunctionBody(parser: Parser, name: string, at: number): Command {
  parser.skipNewlines();
  const from = parser.position;
  const body = readCompound(parser, from);
  if (body === undefined) return parser.fail(`syntax error near unexpected ${parser.here()}`);
  return { kind: "function", name, body, redirections: [], at };
}

/** A word of literal characters only: a name. */
function readLiteral(parser: Parser): string {
  const word = parser.needWord();
  const only = word.length === 1 ? word[0] : undefined;
  if (only?.kind !== "text" || only.quoted) throw new NeedsShell("uses an unusual name");
  return only.text;
}
