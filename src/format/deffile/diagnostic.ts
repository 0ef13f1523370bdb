/** One finding about a definition file. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  /** Line and column, from 1; the column is 0 when the whole file is meant. */
  readonly line: number;
  readonly column: number;
  /** The line itself. */
  readonly source: string;
  readonly message: string;
  /** What would have been right. */
  readonly expected: string;
}

/**
 * A diagnostic as text: place and message, then the line with a mark under the column, then what
 * was expected.
 *
 * @example
 * ```
 * lolcow.def:3:1: error: invalid section(s) specified: pots
 *     3 | %pots
 *       | ^
 *       = expected: one of post, setup, …
 * ```
 */
export function formatDiagnostic(file: string, finding: Diagnostic): string {
  const place = finding.column === 0 ? file : `${file}:${finding.line}:${finding.column}`;
  const out = [`${place}: ${finding.severity}: ${finding.message}`];
  if (finding.column > 0) {
    // Tabs stay tabs under tabs, so that the mark stands where the terminal puts the character.
    const before = finding.source.slice(0, finding.column - 1).replace(/[^\t]/g, " ");
    out.push(`${String(finding.line).padStart(5)} | ${finding.source}`, `      | ${before}^`);
  }
  if (finding.expected !== "") out.push(`      = expected: ${finding.expected}`);
  return out.join("\n");
}
