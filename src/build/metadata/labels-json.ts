import { sortOsText } from "../../base/os-text.ts";

/**
 * Content of a `labels.json` as the peer writes it: keys sorted by bytes, one tab of indent, no final
 * newline; `<`, `>`, `&` and the two Unicode line ends escaped, a byte that is no UTF-8 as U+FFFD.
 */
export function labelsJson(labels: ReadonlyMap<string, string>): string {
  if (labels.size === 0) return "{}";
  const lines = sortOsText([...labels.keys()]).map(
    (key) => `\t${quote(key)}: ${quote(labels.get(key) ?? "")}`,
  );
  return `{\n${lines.join(",\n")}\n}`;
}

function quote(text: string): string {
  return JSON.stringify(text.toWellFormed()).replaceAll(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
