import type { Part, Redirection, Word } from "./ast.ts";
import { NeedsShell } from "./needs-shell.ts";
import type { Parser } from "./parse.ts";

interface Pending {
  readonly delimiter: string;
  readonly literal: boolean;
  readonly stripTabs: boolean;
  /** Filled when the body has been read. */
  readonly parts: Part[];
}

/** Here-documents announced on a line and read after it. */
export class HeredocQueue {
  private pending: Pending[] = [];

  add(entry: Pending): void {
    this.pending.push(entry);
  }

  /** At the start of a line: reads the bodies of the documents announced before it. */
  read(parser: Parser): void {
    if (this.pending.length === 0) return;
    const all = this.pending;
    this.pending = [];
    for (const entry of all) readBody(parser, entry);
  }

  /** At the end of the text: a document without a body is what shells only warn about. */
  finish(_parser: Parser): void {
    if (this.pending.length > 0) throw new NeedsShell("has a here-document without an end");
  }
}

function readBody(parser: Parser, entry: Pending): void {
  const start = parser.position;
  let body = "";
  for (;;) {
    if (parser.position >= parser.text.length)
      throw new NeedsShell("has a here-document without an end");
    let end = parser.text.indexOf("\n", parser.position);
    if (end < 0) end = parser.text.length;
    let line = parser.text.slice(parser.position, end);
    parser.position = Math.min(end + 1, parser.text.length);
    if (entry.stripTabs) line = line.replace(/^\t+/, "");
    if (line === entry.delimiter) break;
    body += `${line}\n`;
  }
  if (entry.literal) {
    entry.parts.push({ kind: "text", text: body, quoted: true });
    return;
  }
  for (const part of parser.readHeredocText(body, start)) entry.parts.push(part);
}

/** A redirection at the position; undefined when there is none. */
export function readRedirection(parser: Parser): Redirection | undefined {
  const at = parser.position;
  let ahead = 0;
  for (let code = parser.code(ahead); code >= 48 && code <= 57; code = parser.code(ahead)) ahead++;
  const first = parser.code(ahead);
  if (first === 38 && ahead === 0 && parser.code(1) === 62) return readBoth(parser, at);
  if (first !== 60 && first !== 62) return undefined;
  const next = parser.code(ahead + 1);
  if (next === 40) return undefined;
  const fd = ahead === 0 ? -1 : Number(parser.text.slice(at, at + ahead));
  if (fd > 9) throw new NeedsShell("redirects an unusual descriptor");
  parser.position += ahead;
  if (first === 60 && next === 60) {
    parser.position += 2;
    if (parser.code() === 60) {
      parser.position++;
      return { fd, operator: "<<<", target: readTarget(parser), at };
    }
    return { fd, operator: "<<", target: readHeredocStart(parser), at };
  }
  const pair = parser.text.substr(parser.position, 2);
  const operator =
    pair === ">>" || pair === ">|" || pair === "<>" || pair === "<&" || pair === ">&"
      ? pair
      : first === 60
        ? "<"
        : ">";
  parser.position += operator.length;
  return { fd, operator, target: readTarget(parser), at };
}

function readBoth(parser: Parser, at: number): Redirection {
  parser.position += 2;
  const append = parser.code() === 62;
  if (append) parser.position++;
  return { fd: -2, operator: append ? ">>" : ">", target: readTarget(parser), at };
}

function readTarget(parser: Parser): Word {
  parser.skipBlanks();
  return parser.needWord();
}

function readHeredocStart(parser: Parser): Word {
  const stripTabs = parser.code() === 45;
  if (stripTabs) parser.position++;
  parser.skipBlanks();
  const word = parser.needWord();
  let delimiter = "";
  let literal = false;
  for (const part of word) {
    if (part.kind !== "text") throw new NeedsShell("has an unusual here-document delimiter");
    delimiter += part.text;
    if (part.quoted) literal = true;
  }
  const parts: Part[] = [];
  parser.heredocs.add({ delimiter, literal, stripTabs, parts });
  return parts;
}

/** All redirections that follow a compound command. */
export function readRedirections(parser: Parser): readonly Redirection[] {
  const redirections: Redirection[] = [];
  for (;;) {
    parser.skipBlanks();
    const redirection = readRedirection(parser);
    if (redirection === undefined) return redirections;
    redirections.push(redirection);
  }
}
