import { lstatSync } from "node:fs";
import { namesIn } from "./_names-in.ts";
import { recordName } from "./image-store.ts";
import { isFreePartial } from "./partial.ts";
import { type CachePlaces, IMAGE_FOLDERS, type ImageKind } from "./places.ts";
import { readRecord } from "./records.ts";

/** One file of the user's own cache. */
export interface CacheEntry {
  /** `build`: a step that a build keeps, or an image packed by one (build/cache). */
  readonly kind: ImageKind | "blob" | "partial" | "build";
  /** Word for the kind in lists. */
  readonly type: string;
  readonly name: string;
  readonly path: string;
  readonly sizeBytes: number;
  /** Milliseconds since 1970. */
  readonly createdMs: number;
  readonly usedMs: number;
  /** What it was made from, where that is known. */
  readonly reference: string | undefined;
}

/** Kinds that `--type` names, in the order in which they are listed. */
export const CACHE_TYPES: readonly string[] = ["library", "oci", "shub", "blob", "net", "oras"];

/** All entries of the user's level, by kind and name. What is being made right now is none yet. */
export function listEntries(places: CachePlaces): readonly CacheEntry[] {
  const entries: CacheEntry[] = [];
  const add = (kind: Exclude<CacheEntry["kind"], "build">, type: string, folder: string): void => {
    for (const name of namesIn(folder)) {
      const path = `${folder}/${name}`;
      const stat = lstatSync(path, { throwIfNoEntry: false });
      if (stat === undefined || !stat.isFile() || name.startsWith("tmp_")) continue;
      if (kind === "partial" && !isFreePartial(path, name)) continue;
      const isImage = kind !== "blob" && kind !== "partial";
      const record = isImage ? readRecord(places, "images", recordName({ kind, name })) : undefined;
      const reference = record?.["reference"];
      entries.push({
        kind,
        type,
        name,
        path,
        sizeBytes: stat.size,
        createdMs: stat.mtimeMs,
        usedMs: Math.max(stat.atimeMs, stat.mtimeMs),
        reference: typeof reference === "string" ? reference : undefined,
      });
    }
  };
  for (const [kind, folder] of Object.entries(IMAGE_FOLDERS)) {
    add(kind as ImageKind, folder, `${places.root}/${folder}`);
  }
  add("blob", "blob", `${places.root}/blob/blobs/sha256`);
  add("partial", "partial", `${places.root}/skiff/partial`);
  return entries;
}
