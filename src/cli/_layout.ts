/** Width that help is set in, in characters. */
export const HELP_WIDTH = 80;

/** Breaks text at blanks into lines of at most `width` characters; a longer word stands alone. */
export function wrapText(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}

/** A paragraph with the same indent on every line, line ends included. */
export function setParagraph(text: string, indent: number): string {
  const margin = " ".repeat(indent);
  return wrapText(text, HELP_WIDTH - indent)
    .map((line) => `${margin}${line}\n`)
    .join("");
}

/**
 * Two columns, the second wrapped. A left text that is longer than `widest` gets a line of its own,
 * so that one long flag does not push all texts to the edge.
 */
export function setColumns(rows: readonly (readonly [string, string])[], widest: number): string {
  const fitting = rows.map(([left]) => left.length).filter((length) => length <= widest);
  const start = Math.max(0, ...fitting) + 2;
  const margin = " ".repeat(start);
  let out = "";
  for (const [left, right] of rows) {
    const lines = wrapText(right, HELP_WIDTH - start);
    if (left.length > widest) out += `${left}\n${margin}${lines[0] ?? ""}\n`;
    else out += `${left.padEnd(start)}${lines[0] ?? ""}\n`;
    for (const line of lines.slice(1)) out += `${margin}${line}\n`;
  }
  return out;
}
