import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { baseName, dirName } from "../../base/path.ts";
import { type Waiting, withClaim } from "./claim.ts";
import { isDead, ownOwner } from "./owner.ts";
import { type CachePlaces, type ImageKind, imagePath, makeFolder } from "./places.ts";
import { readRecord, uniqueName, writeRecord } from "./records.ts";
import { spaceFault } from "./space.ts";
import { Twin } from "./twin.ts";
import { syncFolder, touchEntry } from "./verified-file.ts";

export interface StoreHooks {
  onWait?(state: Waiting): void;
  readonly signal?: AbortSignal | undefined;
}

/** A whole image in the cache that was made or fetched without its digest being known beforehand. */
export interface ImageEntry {
  readonly kind: ImageKind;
  /** File name: it stands for what the image was made from. */
  readonly name: string;
}

/** Path of the image on the first level that has it; undefined when none has it whole. */
export function findImage(places: CachePlaces, entry: ImageEntry): string | undefined {
  const size = readRecord(places, "images", recordName(entry))?.["size"];
  for (const level of [places.root, places.shared]) {
    if (level === undefined) continue;
    const path = imagePath(level, entry.kind, entry.name);
    const stat = statSync(path, { throwIfNoEntry: false });
    // Without its record it is of an unknown length: a copy cut short would not be noticed.
    if (stat === undefined || !stat.isFile() || stat.size !== size) continue;
    touchEntry(path);
    return path;
  }
  return undefined;
}

/**
 * Path of the image in the cache; made first when it is not there, by one process of all that ask
 * for it. `make` writes it under the name it is given; `facts` are kept with it for `cache list`.
 */
export async function obtainImage(
  places: CachePlaces,
  entry: ImageEntry,
  facts: Readonly<Record<string, string>>,
  make: (path: string, tell: (done: number, total: number) => void) => Promise<void>,
  hooks: StoreHooks = {},
): Promise<string> {
  const target = imagePath(places.root, entry.kind, entry.name);
  return await withClaim({
    folder: `${places.root}/skiff/claims`,
    name: recordName(entry),
    find: () => findImage(places, entry),
    work: async (tell) => {
      try {
        makeFolder(dirName(target));
        // Old releases of the peers kept an image in a directory of that name.
        if (statSync(target, { throwIfNoEntry: false })?.isDirectory() === true) {
          rmSync(target, { recursive: true, force: true });
        }
        await replaceWhole(target, "tmp_", (path) => make(path, tell), 0o600);
      } catch (error) {
        throw spaceFault(error, `Cannot store the image ${facts["reference"] ?? ""}`, places.root);
      }
      const size = statSync(target, { throwIfNoEntry: false })?.size;
      if (size !== undefined) writeRecord(places, "images", recordName(entry), { ...facts, size });
      return target;
    },
    signal: hooks.signal,
    ...(hooks.onWait === undefined ? {} : { onWait: hooks.onWait.bind(hooks) }),
  });
}

/** Remembers what an image that is known by its digest was fetched by, for `cache list` and `cache clean`. */
export function noteReference(places: CachePlaces, entry: ImageEntry, reference: string): void {
  const name = recordName(entry);
  if (readRecord(places, "images", name)?.["reference"] === reference) return;
  writeRecord(places, "images", name, { reference });
}

/** Name of the record of an image. */
export function recordName(entry: ImageEntry): string {
  return `${entry.kind}-${entry.name}`;
}

/**
 * Makes a file whole or not at all: `make` writes it under another name beside the target (with
 * `prefix` in front), then it is flushed and renamed. What killed processes left there under such
 * names is removed first.
 */
export async function replaceWhole(
  target: string,
  prefix: string,
  make: (path: string) => Promise<void>,
  mode: number,
): Promise<void> {
  const folder = dirName(target);
  sweep(folder, prefix);
  const temporary = temporaryBeside(target, prefix);
  try {
    await make(temporary);
    chmodSync(temporary, mode);
    const fd = openSync(temporary, "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, target);
    syncFolder(folder);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** A name for something that becomes `target` when it is whole; told by it are the dead from the living. */
function temporaryBeside(target: string, prefix: string): string {
  const own = `${prefix}${baseName(target).slice(0, 100)}.${ownOwner().place}.`;
  return `${dirName(target)}/${own}${uniqueName()}`;
}

const COPY_PREFIX = ".skiff-pull.";

/** A copy of an image that is about to be fetched: `copyImage` takes it when it is whole. */
export function twinBeside(target: string): Twin {
  return new Twin(temporaryBeside(target, COPY_PREFIX));
}

/**
 * Puts a copy of a cached image at `target`, whole or not at all; shares the blocks where the file
 * system can.
 *
 * @param spare a file with the same content that nobody else needs: on the same file system it becomes
 *   the target itself.
 */
export async function copyImage(from: string, target: string, spare?: string): Promise<void> {
  const put = async (path: string): Promise<void> => {
    if (spare !== undefined && tryRename(spare, path)) return;
    copyFileSync(from, path, constants.COPYFILE_FICLONE);
  };
  await replaceWhole(target, COPY_PREFIX, put, 0o777 & ~process.umask() & 0o755);
}

function tryRename(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    // Another file system.
    return false;
  }
}

function sweep(folder: string, prefix: string): void {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(prefix)) continue;
    const [place = "", unique = ""] = name.split(".").slice(-2);
    if (isDead(place, Number.parseInt(unique, 10))) rmSync(`${folder}/${name}`, { force: true });
  }
}
