import { parseHeader } from "./_header.ts";
import { parseHeading } from "./_heading.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { Definition, Section, SourceLine, Stage } from "./tree.ts";

/** A tree and all that is wrong with its form; the tree is there even when there are errors. */
export interface Parsed {
  readonly definition: Definition;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Parses a definition file. Never throws: every error is a diagnostic, and parsing goes on behind it.
 * What the words mean (does the agent exist, are its keys there) is for check.ts.
 *
 * @param text the file as base/os-text.ts decodes it, so that bytes beyond UTF-8 survive.
 * @param firstLine number of the first line, when `text` is the rest of a file.
 */
export function parseDefinition(text: string, firstLine: number = 1): Parsed {
  const diagnostics: Diagnostic[] = [];
  const chunks = splitStages(splitLines(text, firstLine));
  const preamble: SourceLine[] = [];
  const stages: Stage[] = [];
  for (const [index, chunk] of chunks.entries()) {
    if (index === 0 && chunk.every((line) => isIdle(line.text))) preamble.push(...chunk);
    else stages.push(parseStage(chunk, diagnostics));
  }
  if (stages.length === 0) {
    diagnostics.push({
      severity: "error",
      line: 1,
      column: 0,
      source: "",
      message: "no stages found in definition file",
      expected: "a header that begins with `Bootstrap:`",
    });
  }
  return { definition: { preamble, stages }, diagnostics };
}

/** Lines of a text with their ends; none for an empty text. */
export function splitLines(text: string, firstLine: number = 1): readonly SourceLine[] {
  const lines: SourceLine[] = [];
  let at = 0;
  while (at < text.length) {
    const cut = text.indexOf("\n", at);
    const stop = cut < 0 ? text.length : cut;
    const hasReturn = stop > at && text[stop - 1] === "\r";
    const end = cut < 0 ? (hasReturn ? "\r" : "") : hasReturn ? "\r\n" : "\n";
    const number = firstLine + lines.length;
    lines.push({ number, text: text.slice(at, hasReturn ? stop - 1 : stop), end });
    at = stop + 1;
  }
  return lines;
}

/** Lines before the first `bootstrap:`, then one list per stage. */
function splitStages(lines: readonly SourceLine[]): readonly (readonly SourceLine[])[] {
  const chunks: SourceLine[][] = [[]];
  for (const line of lines) {
    // A byte order mark is tolerated in front of the first header.
    const isStart = /^bootstrap:/i.test(
      line.number === 1 ? line.text.replace("\ufeff", "") : line.text,
    );
    if (isStart) chunks.push([line]);
    else chunks.at(-1)?.push(line);
  }
  return chunks;
}

function parseStage(lines: readonly SourceLine[], diagnostics: Diagnostic[]): Stage {
  const first = lines.findIndex((line) => isHeading(line.text));
  const headerLines = first < 0 ? lines : lines.slice(0, first);
  const entries = parseHeader(headerLines, diagnostics);
  const sections: Section[] = [];
  let body: SourceLine[] = [];
  for (const line of first < 0 ? [] : lines.slice(first)) {
    if (!isHeading(line.text)) {
      body.push(line);
      continue;
    }
    body = [];
    sections.push({ ...parseHeading(line, diagnostics), body });
  }
  return { headerLines, entries, sections };
}

/** A heading is a line whose first word begins with a percent sign, even inside a here-document. */
function isHeading(text: string): boolean {
  return /^\s*%/.test(text);
}

function isIdle(text: string): boolean {
  return /^\s*(#|$)/.test(text);
}
