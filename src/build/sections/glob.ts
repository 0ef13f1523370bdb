import { hostFiles, isDirectory } from "../../host/host-files.ts";

const FILES = hostFiles();

/**
 * Paths that a shell pattern matches, sorted: `*`, `?`, `[…]`, `{a,b}`, and `**` for any depth;
 * a backslash takes the meaning away. A leading dot is only matched by a dot. A pattern without
 * matches, or without special characters, is itself (backslashes removed), as in a shell.
 *
 * @param base prefix of the file system the pattern is looked up in; not part of the result.
 */
export function expandGlob(pattern: string, base: string = ""): readonly string[] {
  return expandBraces(pattern).flatMap((one) => {
    if (!/(^|[^\\])[*?[]/.test(one)) return [withoutBackslashes(one)];
    const found = matchSegments(base, one);
    return found.length > 0 ? found : [withoutBackslashes(one)];
  });
}

function withoutBackslashes(text: string): string {
  return text.replaceAll(/\\(.)/gs, "$1");
}

/** `a{b,c}d` as `abd` and `acd`; nested and repeated; braces without a comma stay. */
function expandBraces(text: string): readonly string[] {
  for (let start = 0; start < text.length; start++) {
    if (text[start] === "\\") start++;
    else if (text[start] === "{") {
      const parts = braceParts(text, start);
      if (parts === undefined) continue;
      const head = text.slice(0, start);
      const tails = expandBraces(text.slice(parts.end));
      return parts.options.flatMap((option) =>
        expandBraces(option).flatMap((middle) => tails.map((tail) => head + middle + tail)),
      );
    }
  }
  return [text];
}

function braceParts(
  text: string,
  start: number,
): { readonly options: readonly string[]; readonly end: number } | undefined {
  const options: string[] = [];
  let depth = 0;
  let from = start + 1;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (char === "\\") at++;
    else if (char === "{") depth++;
    else if (char === "," && depth === 1) {
      options.push(text.slice(from, at));
      from = at + 1;
    } else if (char === "}" && --depth === 0) {
      options.push(text.slice(from, at));
      return options.length > 1 ? { options, end: at + 1 } : undefined;
    }
  }
  return undefined;
}

function matchSegments(base: string, pattern: string): readonly string[] {
  const absolute = pattern.startsWith("/");
  const segments = pattern.split("/").filter((segment) => segment !== "");
  let paths = [absolute ? "/" : ""];
  for (const segment of segments) {
    const next: string[] = [];
    for (const path of paths) next.push(...matchOne(base, path, segment));
    paths = next;
  }
  return pattern.endsWith("/") ? paths.map((path) => `${path}/`) : paths;
}

function matchOne(base: string, path: string, segment: string): readonly string[] {
  const join = (name: string): string =>
    path === "" || path === "/" ? path + name : `${path}/${name}`;
  if (segment === "**") return [...(path === "" ? [] : [path]), ...descend(base, path, join)];
  if (!/(^|[^\\])[*?[]/.test(segment)) {
    const plain = join(withoutBackslashes(segment));
    return FILES.lstat(base + plain) === undefined ? [] : [plain];
  }
  const test = segmentTest(segment);
  return namesIn(base + (path === "" ? "." : path))
    .filter(test)
    .map(join);
}

function descend(base: string, path: string, join: (name: string) => string): readonly string[] {
  return namesIn(base + (path === "" ? "." : path))
    .filter((name) => !name.startsWith("."))
    .map(join)
    .flatMap((child) => {
      return FILES.lstat(base + child)?.kind === "dir"
        ? [child, ...descend(base, child, (name) => `${child}/${name}`)]
        : [child];
    });
}

function segmentTest(segment: string): (name: string) => boolean {
  let source = "";
  for (let at = 0; at < segment.length; at++) {
    const char = segment[at] ?? "";
    if (char === "\\" && at + 1 < segment.length) source += quote(segment[++at] ?? "");
    else if (char === "*") source += ".*";
    else if (char === "?") source += ".";
    else if (char === "[") {
      const set = /^\[([!^]?)(\]?[^\]]*)\]/.exec(segment.slice(at));
      if (set === null) source += "\\[";
      else {
        source += `[${set[1] === "" ? "" : "^"}${(set[2] ?? "").replaceAll(/[\\\]]/g, "\\$&")}]`;
        at += set[0].length - 1;
      }
    } else source += quote(char);
  }
  const expression = safeExpression(source);
  return (name) => (!name.startsWith(".") || segment.startsWith(".")) && expression.test(name);
}

/** A set such as `[z-a]` is no regular expression; nothing matches it. */
function safeExpression(source: string): RegExp {
  try {
    return new RegExp(`^(?:${source})$`, "s");
  } catch {
    return /(?!)/;
  }
}

function quote(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
}

function namesIn(path: string): readonly string[] {
  return isDirectory(path) ? (FILES.list(path) ?? []) : [];
}
