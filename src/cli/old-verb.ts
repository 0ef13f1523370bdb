import type { Notice } from "./invocation.ts";

const DOTTED: readonly string[] = ["instance.start", "instance.stop", "instance.list"];
/** Second words of `remote` that moved to `keyserver`. */
const MOVED: Readonly<Record<string, string>> = {
  "add-keyserver": "add",
  "remove-keyserver": "remove",
};

/**
 * Words of a command line as they are written today, with what the user is to be told: a dotted verb of
 * the 2.x series (`instance.start IMAGE NAME`) becomes two words, `remote add-keyserver` becomes
 * `keyserver add`. Some callers still use them.
 */
export function readOldVerb(words: readonly string[]): {
  readonly words: readonly string[];
  readonly notices: readonly Notice[];
} {
  const [verb = "", second = "", ...rest] = words;
  if (DOTTED.includes(verb)) {
    return { words: [...verb.split("."), ...words.slice(1)], notices: [] };
  }
  const moved = verb === "remote" && Object.hasOwn(MOVED, second) ? MOVED[second] : undefined;
  if (moved === undefined) return { words, notices: [] };
  const text = `'remote ${second}' is deprecated and will be removed in a future release; running 'keyserver ${moved}'`;
  return { words: ["keyserver", moved, ...rest], notices: [{ level: "warning", text }] };
}
