import type { Diagnostic } from "./diagnostic.ts";
import { HEADER_KEYS, isHeaderKey, nearestName } from "./names.ts";
import type { HeaderEntry, SourceLine } from "./tree.ts";

interface Draft extends HeaderEntry {
  value: string;
}

/**
 * Entries of a header. A value ending in a backslash goes on in the next line, one ending in `\n\`
 * with a line break between; an empty or comment line ends it. Text after `#` is dropped.
 */
export function parseHeader(
  lines: readonly SourceLine[],
  diagnostics: Diagnostic[],
): readonly HeaderEntry[] {
  const entries: HeaderEntry[] = [];
  let open: Draft | undefined;
  const close = (): void => {
    if (open !== undefined) entries.push(open);
    open = undefined;
  };
  for (const line of lines) {
    const text = line.number === 1 ? line.text.replace("\ufeff", " ") : line.text;
    if (/^\s*(#|$)/.test(text)) {
      close();
      continue;
    }
    const useful = text.split("#")[0] ?? "";
    if (open === undefined) open = startEntry(line, useful, diagnostics);
    else open.value += useful.trim();
    if (open === undefined) continue;
    if (!open.value.endsWith("\\")) {
      close();
      continue;
    }
    const joined = open.value.slice(0, -1);
    open.value = joined.endsWith("\\n") ? `${joined.slice(0, -2)}\n` : joined;
    // With nothing before the backslash the peer reads the next line as a new entry.
    if (open.value === "") close();
  }
  close();
  return entries;
}

function startEntry(
  line: SourceLine,
  useful: string,
  diagnostics: Diagnostic[],
): Draft | undefined {
  const indent = useful.length - useful.trimStart().length;
  const at = { severity: "error", line: line.number, source: line.text } as const;
  const colon = useful.indexOf(":");
  if (colon < 0) {
    diagnostics.push({
      ...at,
      column: indent + 1,
      message: `header key ${useful.trim()} had no val`,
      expected: "`Key: value`, a comment, or a section such as `%post`",
    });
    return undefined;
  }
  const key = useful.slice(0, colon).trim().toLowerCase();
  const rest = useful.slice(colon + 1);
  if (!isHeaderKey(key)) {
    const near = nearestName(key, HEADER_KEYS);
    diagnostics.push({
      ...at,
      column: indent + 1,
      message: `invalid header keyword found: ${key}`,
      expected: near === undefined ? `one of ${HEADER_KEYS.join(", ")}` : `perhaps "${near}"`,
    });
  }
  const valueColumn = colon + 2 + (rest.length - rest.trimStart().length);
  return { key, value: rest.trim(), line, keyColumn: indent + 1, valueColumn };
}
