/** A word of TypeScript source: strings without their quotes, everything else as written. */
export interface SourceWord {
  readonly kind: "name" | "string" | "number" | "mark";
  readonly text: string;
  /** From 1. */
  readonly line: number;
}

// After these a slash begins a regular expression; after other names it divides.
const BEFORE_EXPRESSION = new Set(
  "return typeof instanceof in of new delete void throw case do else yield await".split(" "),
);

const SPACE_OR_COMMENT = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const NAME = /[\p{ID_Start}$_#@][\p{ID_Continue}$]*/uy;
const NUMBER = /\d[\w.]*/y;
const STRING = /"((?:[^"\\\n]|\\[\s\S])*)"|'((?:[^'\\\n]|\\[\s\S])*)'/y;
const REGEXP = /\/(?![*/])(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;

/**
 * The words of a module in order, without comments and regular expressions. The text of a template
 * is one string word per part; what stands in its `${}` is scanned like any other code.
 * Throws for text that is not TypeScript (a string without an end, say).
 */
export function sourceWords(code: string): readonly SourceWord[] {
  const words: SourceWord[] = [];
  // One entry per open brace: whether its end resumes a template.
  const braces: boolean[] = [];
  let at = code.startsWith("#!") ? code.indexOf("\n") : 0;
  let line = 1;

  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(code) ?? undefined;
    if (match !== undefined) advance(match[0].length);
    return match;
  };
  const advance = (length: number): void => {
    line += code.slice(at, at + length).split("\n").length - 1;
    at += length;
  };
  const push = (kind: SourceWord["kind"], text: string): void => {
    words.push({ kind, text, line });
  };
  const divides = (): boolean => {
    const last = words.at(-1);
    if (last === undefined) return false;
    if (last.kind === "mark") return [")", "]", "}"].includes(last.text);
    return !(last.kind === "name" && BEFORE_EXPRESSION.has(last.text));
  };
  const template = (): void => {
    const from = at;
    while (at < code.length && code[at] !== "`" && !code.startsWith("${", at)) {
      advance(code[at] === "\\" ? 2 : 1);
    }
    if (at >= code.length) throw new Error(`Template without an end in line ${line}`);
    push("string", code.slice(from, at));
    const closed = code[at] === "`";
    if (!closed) braces.push(true);
    advance(closed ? 1 : 2);
  };

  while (at < code.length) {
    if (take(SPACE_OR_COMMENT) !== undefined) continue;
    const name = take(NAME);
    if (name !== undefined) {
      push("name", name[0]);
      continue;
    }
    const number = take(NUMBER);
    if (number !== undefined) {
      push("number", number[0]);
      continue;
    }
    const text = take(STRING);
    if (text !== undefined) {
      push("string", text[1] ?? text[2] ?? "");
      continue;
    }
    const mark = code[at] ?? "";
    if (mark === '"' || mark === "'") throw new Error(`String without an end in line ${line}`);
    if (mark === "/" && !divides() && take(REGEXP) !== undefined) {
      push("string", "");
      continue;
    }
    advance(1);
    if (mark === "`") template();
    else if (mark === "}" && braces.pop() === true) template();
    else {
      if (mark === "{") braces.push(false);
      push("mark", mark);
    }
  }
  return words;
}
