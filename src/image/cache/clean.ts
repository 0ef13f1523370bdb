import { rmSync, statSync } from "node:fs";
import { namesIn } from "./_names-in.ts";
import type { CacheEntry } from "./entries.ts";
import { recordName } from "./image-store.ts";
import type { CachePlaces } from "./places.ts";
import { recordPath } from "./records.ts";

/** Which entries are to go; what is absent does not matter. */
export interface CleanChoice {
  /** Words of `--type`; `all` is every kind. */
  readonly types: readonly string[];
  /** Made longer ago than this. */
  readonly olderThanMs?: number;
  /** What remains is at most so much: the entries longest unused go first. */
  readonly keepBytes?: number;
  /** Made from an address that contains this. */
  readonly reference?: string;
}

/** The entries that a choice names. */
export function chooseEntries(
  entries: readonly CacheEntry[],
  choice: CleanChoice,
  nowMs: number,
): readonly CacheEntry[] {
  const { types, olderThanMs, keepBytes, reference } = choice;
  const isAll = types.includes("all");
  const chosen = entries.filter(
    (entry) =>
      // A broken download belongs to the blobs it would have become.
      (isAll || types.includes(entry.kind === "partial" ? "blob" : entry.kind)) &&
      (olderThanMs === undefined || nowMs - entry.createdMs > olderThanMs) &&
      (reference === undefined || entry.reference?.includes(reference) === true),
  );
  if (keepBytes === undefined) return chosen;
  let left = entries.reduce((sum, entry) => sum + entry.sizeBytes, 0);
  const gone: CacheEntry[] = [];
  for (const entry of [...chosen].sort((a, b) => a.usedMs - b.usedMs)) {
    if (left <= keepBytes) break;
    left -= entry.sizeBytes;
    gone.push(entry);
  }
  return gone;
}

/** Removes an entry with its record. Programs that have it open keep it. */
export function removeEntry(places: CachePlaces, entry: CacheEntry): void {
  rmSync(entry.path, { force: true });
  if (entry.kind === "blob" || entry.kind === "partial" || entry.kind === "build") return;
  const name = recordName({ kind: entry.kind, name: entry.name });
  rmSync(recordPath(places.root, "images", name), { force: true });
}

/** Removes records and claims that nothing needs any more: those of files that are gone, and claims left by the dead. */
export function removeLeftovers(places: CachePlaces): void {
  rmSync(`${places.root}/skiff/records/verified`, { recursive: true, force: true });
  for (const folder of ["claims", "archives"].map((name) => `${places.root}/skiff/${name}`)) {
    for (const name of namesIn(folder)) {
      const stat = statSync(`${folder}/${name}`, { throwIfNoEntry: false });
      // What is alive is written every few seconds.
      if (stat !== undefined && Date.now() - stat.mtimeMs > 3_600_000) {
        rmSync(`${folder}/${name}`, { force: true });
      }
    }
  }
}
