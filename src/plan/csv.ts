import { Fault } from "../base/fault.ts";

/**
 * Reads comma separated records as RFC 4180 readers do: a field in double quotes may hold commas,
 * newlines and doubled quotes; a quote inside an unquoted field is an error. Empty lines are skipped.
 *
 * @throws Fault `invalid` with line and column.
 */
export function parseCsv(text: string): string[][] {
  const records: string[][] = [];
  let at = 0;
  let line = 1;
  let lineStart = 0;
  const bad = (why: string): Fault =>
    new Fault("invalid", `parse error on line ${line}, column ${at - lineStart + 1}: ${why}`);

  const quoted = (): string => {
    let field = "";
    at++;
    for (;;) {
      const end = text.indexOf('"', at);
      if (end < 0) {
        at = text.length;
        throw bad('extraneous or missing " in quoted-field');
      }
      field += text.slice(at, end);
      at = end + 1;
      if (text[at] !== '"') break;
      field += '"';
      at++;
    }
    if (text.startsWith("\r\n", at)) at++;
    if (at < text.length && text[at] !== "," && text[at] !== "\n") {
      throw bad('extraneous or missing " in quoted-field');
    }
    return field;
  };

  const bare = (): string => {
    const start = at;
    while (at < text.length && text[at] !== "," && text[at] !== "\n") {
      if (text[at] === '"') throw bad('bare " in non-quoted-field');
      at++;
    }
    const field = text.slice(start, at);
    return text[at] === "\n" && field.endsWith("\r") ? field.slice(0, -1) : field;
  };

  while (at < text.length) {
    const record: string[] = [];
    for (;;) {
      record.push(text[at] === '"' ? quoted() : bare());
      if (text[at] !== ",") break;
      at++;
    }
    at++;
    line++;
    lineStart = at;
    if (record.length > 1 || record[0] !== "") records.push(record);
  }
  return records;
}
