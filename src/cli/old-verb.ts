const OLD_VERBS: readonly string[] = ["instance.start", "instance.stop", "instance.list"];

/**
 * Words of a command line with a dotted verb of the 2.x series (`instance.start IMAGE NAME`) taken
 * apart into today's two words. Some callers still use them.
 */
export function splitOldVerb(words: readonly string[]): readonly string[] {
  const verb = words[0];
  if (verb === undefined || !OLD_VERBS.includes(verb)) return words;
  return [...verb.split("."), ...words.slice(1)];
}
