/**
 * Names that a mistyped word may have meant: those that begin with it, or are at most two edits
 * (insert, delete, replace) away. In the order given.
 */
export function suggestNames(word: string, names: readonly string[]): readonly string[] {
  if (word === "") return [];
  const lower = word.toLowerCase();
  return names.filter((name) => name.startsWith(lower) || editDistance(lower, name) <= 2);
}

/** Levenshtein distance, row by row. */
function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let at = 0; at < one.length; at += 1) {
    const next = [at + 1];
    for (let to = 0; to < other.length; to += 1) {
      const replaced = (row[to] ?? 0) + (one[at] === other[to] ? 0 : 1);
      next.push(Math.min(replaced, (row[to + 1] ?? 0) + 1, (next[to] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
