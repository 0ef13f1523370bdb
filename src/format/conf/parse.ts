/**
 * The configuration file syntax of the peers, line by line:
 *
 *   # comment                 a line whose first non-blank character is "#"
 *   mount home = yes          directive, first "=", value; both trimmed
 *   bind path = /a, /b:/c     one value or several with commas, as the directive is a list or not
 *   bind path = /d            lists add up over lines; of anything else the first line counts
 *
 * Directives are spelled exactly (lower case, single blanks). There is no quoting, no escape, and
 * no comment after a value: `yes # why` is the value `yes # why`. Checked against the peer's parser.
 */
export interface ConfEntry {
  /** Line number from 1. */
  readonly line: number;
  /** Directive as written, trimmed: "mount home". */
  readonly directive: string;
  /** Text after the first "=", trimmed; may be empty, which means "not set". */
  readonly value: string;
}

/** All `directive = value` lines in file order; comments, blank lines and lines without "=" are left out. */
export function parseConf(text: string): readonly ConfEntry[] {
  const entries: ConfEntry[] = [];
  let line = 0;
  for (const raw of text.split("\n")) {
    line++;
    const entry = parseConfLine(raw, line);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** One line, or undefined when it sets nothing. */
export function parseConfLine(raw: string, line: number): ConfEntry | undefined {
  const trimmed = raw.trim();
  if (trimmed === "" || trimmed.startsWith("#")) return undefined;
  const equals = trimmed.indexOf("=");
  if (equals <= 0) return undefined;
  return {
    line,
    directive: trimmed.slice(0, equals).trimEnd(),
    value: trimmed.slice(equals + 1).trimStart(),
  };
}

/** Members of a list value: split at commas, trimmed, empty ones dropped. */
export function splitConfList(value: string): readonly string[] {
  return value
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}
