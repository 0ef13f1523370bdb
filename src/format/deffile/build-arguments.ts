/** One `name=value` of an arguments section, an arguments file or a command line. */
export interface BuildArgument {
  readonly name: string;
  readonly value: string;
}

/**
 * `name=value` with blanks around both removed; the name may not be empty, the value may.
 * Anything else: undefined.
 */
export function parseBuildArgument(text: string): BuildArgument | undefined {
  const cut = text.indexOf("=");
  const name = text.slice(0, Math.max(cut, 0)).trim();
  return name === "" ? undefined : { name, value: text.slice(cut + 1).trim() };
}

/** Arguments of a file or section, and the lines that are none. */
export interface ArgumentList {
  readonly values: ReadonlyMap<string, string>;
  readonly skipped: readonly string[];
}

/**
 * Reads `name=value` lines; a later one replaces an earlier one.
 *
 * @param comments whether empty lines and lines starting with `#` are allowed (in `%arguments` they
 *   are; in an arguments file the peer skips them with a warning).
 */
export function parseArgumentLines(lines: readonly string[], comments: boolean): ArgumentList {
  const values = new Map<string, string>();
  const skipped: string[] = [];
  for (const line of lines) {
    const text = line.trim();
    if (comments && (text === "" || text.startsWith("#"))) continue;
    const argument = parseBuildArgument(text);
    if (argument === undefined) skipped.push(line);
    else values.set(argument.name, argument.value);
  }
  return { values, skipped };
}
