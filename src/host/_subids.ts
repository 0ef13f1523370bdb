import type { IdRange } from "../plan/facts.ts";

/** The peers use sub-ids only from this many on (reference: runtime.md section 5.2). */
const USUAL_COUNT = 65536;

/**
 * Sub-id ranges of one user in the text of /etc/subuid or /etc/subgid, `USER:FIRST:COUNT` with USER
 * a name or a number. Best first: a range of exactly 65536, then bigger ones from the largest, then
 * smaller ones from the largest. Lines with a leading "!" are disabled and left out.
 */
export function findSubids(
  text: string,
  name: string | undefined,
  uid: number,
): readonly IdRange[] {
  const ranges: IdRange[] = [];
  for (const line of text.split("\n")) {
    const [user, first, count] = line.trim().split(":");
    if (user === undefined || (user !== name && user !== String(uid))) continue;
    if (!/^[0-9]{1,10}$/.test(first ?? "") || !/^[0-9]{1,10}$/.test(count ?? "")) continue;
    const range = { first: Number(first), count: Number(count) };
    // 2^32 - 1 is no id, so no range may hold it.
    if (range.count > 0 && range.first + range.count <= 0xffffffff) ranges.push(range);
  }
  return bestFirst(ranges);
}

/** Ranges as getsubids(1) prints them, `INDEX: USER FIRST COUNT` a line; best first. */
export function parseGetsubids(text: string): readonly IdRange[] {
  const ranges = [...text.matchAll(/^\d+: \S+ (\d{1,10}) (\d{1,10})$/gm)].map((match) => ({
    first: Number(match[1]),
    count: Number(match[2]),
  }));
  return bestFirst(ranges.filter((range) => range.count > 0));
}

/**
 * The service that hands out sub-ids instead of the files: the word of the `subid` line of
 * nsswitch.conf (newuidmap asks one source only). Undefined: the files.
 */
export function subidService(nsswitch: string): string | undefined {
  if (!nsswitch.includes("subid:")) return undefined;
  const word = nsswitch.match(/^\s*subid:\s*(\S+)/m)?.[1];
  return word === "files" ? undefined : word;
}

function bestFirst(ranges: readonly IdRange[]): readonly IdRange[] {
  return ranges.toSorted((a, b) => rank(b) - rank(a) || b.count - a.count);
}

function rank(range: IdRange): number {
  return range.count === USUAL_COUNT ? 2 : range.count > USUAL_COUNT ? 1 : 0;
}
