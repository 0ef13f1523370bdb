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
  return ranges.sort((a, b) => rank(b) - rank(a) || b.count - a.count);
}

function rank(range: IdRange): number {
  return range.count === USUAL_COUNT ? 2 : range.count > USUAL_COUNT ? 1 : 0;
}
