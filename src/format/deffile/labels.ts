/**
 * Labels of a `%labels` body, of `%applabels` or of the file that `%post` appends to: `key value`,
 * split at the first space; a colon stays in the key; no value is an empty one. Comments and blank
 * lines are skipped; a later line wins.
 */
export function parseLabels(text: string): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const line of text.split("\n")) {
    const useful = line.trim();
    if (useful === "" || useful.startsWith("#")) continue;
    const cut = useful.indexOf(" ");
    if (cut < 0) labels.set(useful, "");
    else labels.set(useful.slice(0, cut).trim(), useful.slice(cut + 1).trim());
  }
  return labels;
}
