/**
 * Fields of a text such as a Debian control file or Python's METADATA: `Name: value`, further lines of a
 * value begin with a blank. Names in lower case; the first of equal names counts; an empty line ends it.
 */
export function parseFields(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  let last = "";
  for (const line of text.split("\n")) {
    const trimmed = line.endsWith("\r") ? line.slice(0, -1) : line;
    if (trimmed === "") break;
    if (/^[ \t]/.test(trimmed)) {
      if (last !== "") fields.set(last, `${fields.get(last) ?? ""}\n${trimmed.trim()}`);
      continue;
    }
    const cut = trimmed.indexOf(":");
    const name = trimmed.slice(0, Math.max(cut, 0)).toLowerCase();
    last = cut > 0 && !fields.has(name) ? name : "";
    if (last !== "") fields.set(name, trimmed.slice(cut + 1).trim());
  }
  return fields;
}
