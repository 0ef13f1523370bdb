import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { type CachePlaces, makeFolder } from "./places.ts";

/**
 * Kinds of records:
 * - `verified`  a file whose digest was computed, and the state of the file then
 * - `resolved`  the manifest that a digest stands for on one platform
 * - `tags`      the digest that a tag stood for when it was last asked for
 * - `images`    what an image in the cache was made from
 */
export type RecordKind = "verified" | "resolved" | "tags" | "images";

/** The record, from the user's level or else the shared one; undefined when there is none that can be read. */
export function readRecord(
  places: CachePlaces,
  kind: RecordKind,
  name: string,
): Readonly<Record<string, unknown>> | undefined {
  for (const level of [places.root, places.shared]) {
    if (level === undefined) continue;
    try {
      const value: unknown = JSON.parse(readFileSync(recordPath(level, kind, name), "utf8"));
      if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
    } catch {
      // Missing or broken: as good as none.
    }
  }
  return undefined;
}

/** Writes a record, whole or not at all. A record only saves work: one that cannot be written is left out. */
export function writeRecord(
  places: CachePlaces,
  kind: RecordKind,
  name: string,
  value: Readonly<Record<string, unknown>>,
): void {
  const path = recordPath(places.root, kind, name);
  const beside = `${path}.${uniqueName()}`;
  try {
    makeFolder(`${places.root}/skiff/records/${kind}`);
    // Not flushed: one that a power failure cuts short is as good as none.
    writeFileSync(beside, JSON.stringify(value), { flag: "wx", mode: 0o600 });
    renameSync(beside, path);
  } catch {
    rmSync(beside, { force: true });
  }
}

/** A name that no other process on any node uses. */
export function uniqueName(): string {
  return `${process.pid}-${crypto.randomUUID().slice(0, 13)}`;
}

export function recordPath(level: string, kind: RecordKind, name: string): string {
  return `${level}/skiff/records/${kind}/${name}.json`;
}
