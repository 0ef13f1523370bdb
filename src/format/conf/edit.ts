import { parseConfLine } from "./parse.ts";

/**
 * The text with `directive` holding exactly `values`, one line each; none removes it. Every other
 * line, comments included, stays as it is and where it is. The new lines go where the first old one
 * was, else below a commented-out line of the same directive, else to the end.
 */
export function setDirective(text: string, directive: string, values: readonly string[]): string {
  const lines = text.split("\n");
  // A final newline ends the last line; it does not start another.
  const endsInNewline = lines.length > 1 && lines.at(-1) === "";
  if (endsInNewline || text === "") lines.pop();

  const kept: string[] = [];
  let at: number | undefined;
  let belowComment: number | undefined;
  for (const [index, line] of lines.entries()) {
    if (parseConfLine(line, index + 1)?.directive === directive) {
      at ??= kept.length;
      continue;
    }
    kept.push(line);
    const commented = line.trimStart().replace(/^#+/, "");
    if (parseConfLine(commented, 0)?.directive === directive) belowComment = kept.length;
  }
  kept.splice(at ?? belowComment ?? kept.length, 0, ...values.map((v) => `${directive} = ${v}`));
  return kept.length === 0 ? "" : `${kept.join("\n")}\n`;
}
