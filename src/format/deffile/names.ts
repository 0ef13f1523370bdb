/** Sections of a stage (reference: deffile.md section 1). */
export const SECTION_NAMES: readonly string[] = [
  "pre",
  "setup",
  "files",
  "post",
  "test",
  "environment",
  "startscript",
  "runscript",
  "labels",
  "help",
  "arguments",
];

/** Sections that belong to an app and carry its name. */
export const APP_SECTION_NAMES: readonly string[] = [
  "appinstall",
  "appfiles",
  "appenv",
  "apprun",
  "appstart",
  "apptest",
  "apphelp",
  "applabels",
];

/** Keys of a header, lower case. `otherurl` is followed by digits. */
export const HEADER_KEYS: readonly string[] = [
  "bootstrap",
  "from",
  "stage",
  "library",
  "registry",
  "namespace",
  "includecmd",
  "mirrorurl",
  "updateurl",
  "osversion",
  "include",
  "product",
  "user",
  "regcode",
  "productpgp",
  "registerurl",
  "modules",
  "otherurl",
  "fingerprints",
  "setopt",
  "confurl",
  "target",
  "frontend",
  "filename",
  "buildargs",
];

/** Whether a header key (lower case) is known. */
export function isHeaderKey(key: string): boolean {
  if (key === "otherurl") return false;
  return HEADER_KEYS.includes(key) || /^otherurl[0-9]+$/.test(key);
}

/** The known name nearest to a misspelled one, if one is near: at most two letters wrong. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = 3;
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) >= least) continue;
    const distance = editDistance(name, candidate);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
