import type { Diagnostic } from "../deffile/diagnostic.ts";
import type { SourceLine } from "../deffile/tree.ts";
import type { EscapeSign } from "./tree.ts";

/** What the parser directives at the top of a file say. */
export interface Directives {
  readonly escapeSign: EscapeSign;
  readonly syntax: string | undefined;
}

/**
 * Reads `# syntax=`, `# escape=` and `# check=`. They count only before anything else: a blank line,
 * another comment or an instruction ends them.
 */
export function readDirectives(
  lines: readonly SourceLine[],
  diagnostics: Diagnostic[],
): Directives {
  let escapeSign: EscapeSign = "\\";
  let syntax: string | undefined;
  for (const line of lines) {
    const text = line.number === 1 ? line.text.replace("\ufeff", "") : line.text;
    const match = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(text);
    const name = match?.[1]?.toLowerCase() ?? "";
    const value = match?.[2] ?? "";
    if (name === "syntax") syntax = value;
    else if (name === "escape" && (value === "\\" || value === "`")) escapeSign = value;
    else if (name === "escape") {
      diagnostics.push({
        severity: "error",
        line: line.number,
        column: 1,
        source: line.text,
        message: `invalid escape token '${value}'`,
        expected: "a backslash or a backtick",
      });
    } else if (name !== "check") break;
  }
  return { escapeSign, syntax };
}
