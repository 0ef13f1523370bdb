/** Fields of one record, or why the text is no record (`column` in messages counts from 1). */
export type CsvRecord =
  | { readonly kind: "fields"; readonly fields: readonly string[] }
  | { readonly kind: "error"; readonly reason: string };

const fail = (column: number, reason: string): CsvRecord => ({
  kind: "error",
  reason: `parse error on line 1, column ${column}: ${reason}`,
});

/**
 * First record of RFC 4180 text, with the strictness of Go's encoding/csv: a quote inside a bare
 * field is an error, and so is anything but a comma after a closing quote. Empty text: no fields.
 */
export function readCsvRecord(text: string): CsvRecord {
  if (text === "") return { kind: "fields", fields: [] };
  const fields: string[] = [];
  let at = 0;
  while (at < text.length && isLineEnd(text, at)) at += text[at] === "\n" ? 1 : 2;
  if (at === text.length) return { kind: "error", reason: "there is no value on the line" };
  for (;;) {
    if (text[at] === '"') {
      let field = "";
      let from = at + 1;
      for (;;) {
        const quote = text.indexOf('"', from);
        if (quote < 0) return fail(text.length + 1, 'extraneous or missing " in quoted-field');
        field += text.slice(from, quote);
        from = quote + 1;
        if (text[from] !== '"') break;
        field += '"';
        from += 1;
      }
      fields.push(field);
      at = from;
      if (at === text.length || isLineEnd(text, at)) return { kind: "fields", fields };
      if (text[at] !== ",") return fail(at, 'extraneous or missing " in quoted-field');
    } else {
      let end = at;
      while (end < text.length && text[end] !== "," && !isLineEnd(text, end)) end += 1;
      const field = text.slice(at, end);
      const quote = field.indexOf('"');
      if (quote >= 0) return fail(at + quote + 1, 'bare " in non-quoted-field');
      fields.push(field);
      at = end;
      if (text[at] !== ",") return { kind: "fields", fields };
    }
    at += 1;
  }
}

function isLineEnd(text: string, at: number): boolean {
  return text[at] === "\n" || (text[at] === "\r" && text[at + 1] === "\n");
}
