import type { Condition, Part, Word } from "./ast.ts";
import { NeedsShell } from "./needs-shell.ts";
import type { Parser } from "./parse.ts";

const UNARY = /^-[abcdefghknoprstuvwxzGLNORS]$/;
const BINARY: ReadonlySet<string> = new Set([
  "=",
  "==",
  "!=",
  "=~",
  "-eq",
  "-ne",
  "-lt",
  "-le",
  "-gt",
  "-ge",
  "-nt",
  "-ot",
  "-ef",
]);

/** What stands between `[[` (consumed) and `]]` (consumed here). */
export function readCondition(parser: Parser): Condition {
  const condition = readOr(parser);
  parser.skipNewlines();
  if (!parser.text.startsWith("]]", parser.position)) {
    parser.fail(`syntax error in conditional expression near ${parser.here()}`);
  }
  parser.position += 2;
  return condition;
}

function readOr(parser: Parser): Condition {
  let left = readAnd(parser);
  for (;;) {
    parser.skipNewlines();
    if (parser.code() !== 124 || parser.code(1) !== 124) return left;
    parser.position += 2;
    left = { kind: "or", left, right: readAnd(parser) };
  }
}

function readAnd(parser: Parser): Condition {
  let left = readTerm(parser);
  for (;;) {
    parser.skipNewlines();
    if (parser.code() !== 38 || parser.code(1) !== 38) return left;
    parser.position += 2;
    left = { kind: "and", left, right: readTerm(parser) };
  }
}

function readTerm(parser: Parser): Condition {
  parser.enter();
  const term = readPrimary(parser);
  parser.leave();
  return term;
}

function readPrimary(parser: Parser): Condition {
  parser.skipNewlines();
  if (parser.code() === 40) {
    parser.position++;
    const inner = readOr(parser);
    parser.skipNewlines();
    if (parser.code() !== 41) parser.fail("syntax error in conditional expression");
    parser.position++;
    return inner;
  }
  if (parser.code() === 33 && (parser.code(1) === 32 || parser.code(1) === 9)) {
    parser.position++;
    return { kind: "not", of: readTerm(parser) };
  }
  const left = parser.needWord();
  const text = plain(left);
  parser.skipBlanks();
  if (text !== undefined && UNARY.test(text)) {
    const from = parser.position;
    const operand = parser.readWord();
    if (operand !== undefined && plain(operand) !== "]]")
      return { kind: "unary", operator: text, word: operand };
    parser.position = from;
  }
  const operator = readOperator(parser);
  if (operator === undefined) return { kind: "unary", operator: "-n", word: left };
  parser.skipBlanks();
  const right = operator === "=~" ? readRegularExpression(parser) : parser.needWord();
  return { kind: "binary", operator, left, right };
}

function readOperator(parser: Parser): string | undefined {
  const code = parser.code();
  if (code === 60 || code === 62) {
    parser.position++;
    return code === 60 ? "<" : ">";
  }
  const from = parser.position;
  const word = parser.readWord();
  const text = word === undefined ? undefined : plain(word);
  if (text !== undefined && BINARY.has(text)) return text;
  parser.position = from;
  if (text === "]]" || word === undefined) return undefined;
  throw new NeedsShell("uses a form of [[ … ]] that is not known here");
}

/** The right side of `=~`: parentheses and bars belong to it. */
function readRegularExpression(parser: Parser): Word {
  const parts: Part[] = [];
  parser.readParts(parts, " \t\n", true);
  return parts;
}

function plain(word: Word): string | undefined {
  const only = word.length === 1 ? word[0] : undefined;
  return only?.kind === "text" && !only.quoted ? only.text : undefined;
}
