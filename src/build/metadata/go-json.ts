import { sortOsText } from "../../base/os-text.ts";

/** A value as JSON in the peers' dialect, which readers compare byte by byte. */
export type JsonValue = string | ReadonlyMap<string, JsonValue>;

/**
 * Compact JSON with `<`, `>`, `&`, U+2028 and U+2029 escaped; bytes that are no UTF-8 become U+FFFD.
 * Keys keep their order.
 */
export function compactJson(value: JsonValue): string {
  if (typeof value === "string") return quoteJson(value);
  const members = [...value].map(([key, one]) => `${quoteJson(key)}:${compactJson(one)}`);
  return `{${members.join(",")}}`;
}

/** An object of strings, keys sorted by bytes, one tab of indent, no final newline. */
export function indentedJson(map: ReadonlyMap<string, string>): string {
  if (map.size === 0) return "{}";
  const lines = sortedEntries(map).map(
    ([key, value]) => `\t${quoteJson(key)}: ${quoteJson(value)}`,
  );
  return `{\n${lines.join(",\n")}\n}`;
}

/** Entries with keys sorted by bytes. */
export function sortedEntries(map: ReadonlyMap<string, string>): readonly [string, string][] {
  return sortOsText([...map.keys()]).map((key) => [key, map.get(key) ?? ""]);
}

function quoteJson(text: string): string {
  return JSON.stringify(text.toWellFormed()).replaceAll(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The strings of a JSON object; values of other types and broken JSON are left out. */
export function stringsOfJson(text: string): ReadonlyMap<string, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return new Map();
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return new Map();
  return new Map(
    Object.entries(value).flatMap(([key, one]) => (typeof one === "string" ? [[key, one]] : [])),
  );
}
