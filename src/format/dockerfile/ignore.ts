/** One line of a .dockerignore file. */
export interface IgnorePattern {
  readonly isException: boolean;
  readonly expression: RegExp;
}

/**
 * Reads a .dockerignore file: one pattern a line, `#` lines and blank ones left out, `!` before an
 * exception, the last match decides. `*` and `?` stay within a name, `**` crosses any number of
 * directories. A pattern that cannot be read matches nothing.
 */
export function parseIgnore(text: string): readonly IgnorePattern[] {
  const out: IgnorePattern[] = [];
  for (const raw of text.replace(/^\ufeff/, "").split("\n")) {
    if (raw.startsWith("#")) continue;
    let line = raw.trim();
    const isException = line.startsWith("!");
    if (isException) line = line.slice(1).trim();
    const pattern = cleanPattern(line);
    if (pattern === "") continue;
    const source = patternSource(pattern);
    if (source !== undefined) out.push({ isException, expression: new RegExp(`^${source}$`, "s") });
  }
  return out;
}

/**
 * Whether a path is left out of the context.
 *
 * @param path below the context, without slash in front.
 */
export function isIgnored(patterns: readonly IgnorePattern[], path: string): boolean {
  const parents: string[] = [path];
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
    parents.push(path.slice(0, at));
  }
  let ignored = false;
  for (const { isException, expression } of patterns) {
    // A directory that matches takes what is below with it.
    if (ignored === isException && parents.some((part) => expression.test(part)))
      ignored = !isException;
  }
  return ignored;
}

/** Whether something below an ignored directory may still be let in. */
export function mayHoldExceptions(patterns: readonly IgnorePattern[]): boolean {
  return patterns.some(({ isException }) => isException);
}

function cleanPattern(line: string): string {
  const parts: string[] = [];
  for (const part of line.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}

/** A pattern as the source of a regular expression; undefined for an unclosed class. */
export function patternSource(pattern: string): string | undefined {
  let out = "";
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] ?? "";
    if (char === "*" && pattern[i + 1] === "*") {
      i++;
      if (pattern[i + 1] === "/") i++;
      out += i + 1 >= pattern.length ? ".*" : "(?:.*/)?";
    } else if (char === "*") out += "[^/]*";
    else if (char === "?") out += "[^/]";
    else if (char === "\\") {
      const next = pattern[++i];
      if (next === undefined) return undefined;
      out += quote(next);
    } else if (char === "[") {
      const end = pattern.indexOf("]", i + 2);
      if (end < 0) return undefined;
      out += classSource(pattern.slice(i + 1, end));
      i = end;
    } else out += quote(char);
  }
  try {
    new RegExp(out, "s");
    return out;
  } catch {
    return undefined;
  }
}

function classSource(inside: string): string {
  const isNegative = inside.startsWith("^");
  const list = (isNegative ? inside.slice(1) : inside).replace(
    /\\(.)|[[\]^\\]/g,
    (char, escaped?: string) => quote(escaped ?? char),
  );
  return `[${isNegative ? "^/" : ""}${list}]`;
}

function quote(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
}
