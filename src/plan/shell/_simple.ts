import { readFunctionBody } from "./_compound.ts";
import { readRedirection } from "./_redirection.ts";
import type { Assignment, Command, Part, Redirection, SimpleCommand, Word } from "./ast.ts";
import { isNameCharacter } from "./characters.ts";
import { NeedsShell } from "./needs-shell.ts";
import type { Parser } from "./parse.ts";

/** Commands whose operands are read as assignments. */
const DECLARATIONS: ReadonlySet<string> = new Set([
  "export",
  "readonly",
  "declare",
  "typeset",
  "local",
]);

/** A simple command, or a function definition of the form `name() …`. */
export function readSimple(parser: Parser, at: number): Command {
  const assignments: Assignment[] = [];
  const words: Word[] = [];
  const redirections: Redirection[] = [];
  let declarations: (Assignment | Word)[] | undefined;
  for (;;) {
    parser.skipBlanks();
    const redirection = readRedirection(parser);
    if (redirection !== undefined) {
      redirections.push(redirection);
      continue;
    }
    const start = parser.position;
    if (words.length === 0 || declarations !== undefined) {
      const assignment = readAssignment(parser);
      if (assignment !== undefined) {
        if (declarations === undefined) assignments.push(assignment);
        else declarations.push(assignment);
        continue;
      }
    }
    const word = parser.readWord();
    if (word === undefined) break;
    if (declarations !== undefined) {
      declarations.push(word);
      continue;
    }
    words.push(word);
    if (words.length > 1) continue;
    const only = word.length === 1 ? word[0] : undefined;
    if (only?.kind !== "text" || only.quoted) continue;
    if (DECLARATIONS.has(only.text)) declarations = [];
    else if (opensFunction(parser) && assignments.length === 0 && redirections.length === 0) {
      return readFunctionBody(parser, parser.text.slice(start, start + only.text.length), at);
    }
  }
  const nothing = words.length === 0 && assignments.length === 0 && redirections.length === 0;
  if (nothing || parser.code() === 40) parser.fail(`syntax error near unexpected ${parser.here()}`);
  const command: SimpleCommand = {
    kind: "simple",
    assignments,
    words,
    declarations,
    redirections,
    at,
  };
  return command;
}

/** At `()` after a first word: consumes it. */
function opensFunction(parser: Parser): boolean {
  let ahead = 0;
  while (parser.code(ahead) === 32 || parser.code(ahead) === 9) ahead++;
  if (parser.code(ahead) !== 40) return false;
  ahead++;
  while (parser.code(ahead) === 32 || parser.code(ahead) === 9) ahead++;
  if (parser.code(ahead) !== 41) return false;
  parser.position += ahead + 1;
  return true;
}

function readAssignment(parser: Parser): Assignment | undefined {
  const at = parser.position;
  let end = at;
  const { text } = parser;
  const first = text.charCodeAt(at);
  if (Number.isNaN(first) || !isNameCharacter(first) || (first >= 48 && first <= 57))
    return undefined;
  while (end < text.length && isNameCharacter(text.charCodeAt(end))) end++;
  const name = text.slice(at, end);
  let index: Word | undefined;
  if (text[end] === "[") {
    parser.position = end + 1;
    const parts: Part[] = [];
    parser.readParts(parts, "]\n", true);
    end = parser.position + 1;
    if (text[parser.position] !== "]" || (text[end] !== "=" && !text.startsWith("+=", end))) {
      parser.position = at;
      return undefined;
    }
    index = parts;
  }
  const append = text.startsWith("+=", end);
  if (!append && text[end] !== "=") {
    parser.position = at;
    return undefined;
  }
  parser.position = end + (append ? 2 : 1);
  if (parser.code() === 40) {
    if (index !== undefined) parser.fail(`${name}: cannot assign list to array member`);
    parser.position++;
    return { name, index, append, value: undefined, elements: readElements(parser), at };
  }
  return { name, index, append, value: parser.readValue(), elements: undefined, at };
}

function readElements(parser: Parser): { index: Word | undefined; word: Word }[] {
  const elements: { index: Word | undefined; word: Word }[] = [];
  for (;;) {
    parser.skipNewlines();
    if (parser.code() === 41) break;
    if (parser.code() === 91) throw new NeedsShell("gives array elements by subscript");
    elements.push({ index: undefined, word: parser.needWord() });
  }
  parser.position++;
  return elements;
}
