/**
 * A definition file as a tree that keeps every byte, so that checking, formatting, printing as JSON
 * and building all start from the same thing.
 *
 *   preamble   blank lines and comments before the first stage
 *   stage      from a line `bootstrap:` (or the start) to the next one
 *     header     lines up to the first section; entries are the `Key: value` lines in it
 *     section    a heading line `%name arguments` and its body lines
 *
 * All lines of a tree, in order, are the file again (render.ts).
 */

/** One line of the file. */
export interface SourceLine {
  /** From 1. */
  readonly number: number;
  /** Without line end. */
  readonly text: string;
  /** The line end as written; empty only for a last line that has none. */
  readonly end: "" | "\r" | "\n" | "\r\n";
}

/** `Key: value`, with the continuation lines joined. */
export interface HeaderEntry {
  /** Lower case. */
  readonly key: string;
  readonly value: string;
  /** The line it begins on, and columns from 1. */
  readonly line: SourceLine;
  readonly keyColumn: number;
  readonly valueColumn: number;
}

/** `%name arguments` and what follows until the next section or stage. */
export interface Section {
  /** Lower case, without percent sign; empty for a bare `%`. */
  readonly name: string;
  /** Name of the app, for app sections that give one. */
  readonly app: string | undefined;
  /** Rest of the heading after name (and app), trimmed; a comment in it is still there. */
  readonly rawArguments: string;
  readonly argumentsColumn: number;
  readonly heading: SourceLine;
  readonly body: readonly SourceLine[];
}

export interface Stage {
  readonly headerLines: readonly SourceLine[];
  readonly entries: readonly HeaderEntry[];
  readonly sections: readonly Section[];
}

export interface Definition {
  readonly preamble: readonly SourceLine[];
  readonly stages: readonly Stage[];
}

/** Value of a header key (lower case) in a stage; the last one counts. Absent: undefined. */
export function headerValue(stage: Stage, key: string): string | undefined {
  return stage.entries.findLast((entry) => entry.key === key)?.value;
}

/** All lines of a stage in order. */
export function stageLines(stage: Stage): readonly SourceLine[] {
  return [...stage.headerLines, ...stage.sections.flatMap((s) => [s.heading, ...s.body])];
}

/** Arguments of a section as they count: cut at `#`, trimmed. */
export function sectionArguments(section: Section): string {
  return (section.rawArguments.split("#")[0] ?? "").trim();
}

/** Text of a body: every line ends with a newline, whatever the file had. */
export function bodyText(section: Section): string {
  return section.body.map((line) => `${line.text}\n`).join("");
}
