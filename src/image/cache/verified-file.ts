import {
  closeSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { Fault } from "../../base/fault.ts";
import { dirName } from "../../base/path.ts";
import { BlockFile } from "./_block-file.ts";
import { HashingWriter, LARGE_BYTES } from "./_hashing-writer.ts";
import { type Waiting, withClaim } from "./claim.ts";
import { dropPartial, leavePartial, takePartial } from "./partial.ts";
import { type CachePlaces, hexOf, makeFolder } from "./places.ts";
import { readRecord, writeRecord } from "./records.ts";
import { spaceFault } from "./space.ts";
import type { Twin } from "./twin.ts";

/** A file whose content is known by its digest before it is there. */
export interface WantedFile {
  readonly digest: string;
  readonly sizeBytes: number;
  /** Path of the entry on each level of the cache, the user's own first. */
  readonly candidates: readonly string[];
  /** What it is, for faults: `layer sha256:…`. */
  readonly what: string;
  /** The bytes from an offset on; may be asked for again after a failure. */
  source(offset: number): AsyncIterable<Uint8Array>;
}

export interface FetchHooks {
  /** Bytes there so far, those of an earlier attempt included. */
  onBytes?(done: number): void;
  onWait?(state: Waiting): void;
  readonly signal?: AbortSignal | undefined;
  /** A copy to be made meanwhile, where all of the file is fetched here. */
  readonly twin?: Twin | undefined;
}

/**
 * Path of the file in the cache, fetched first when it is not there. It is written under another
 * name, its size and digest are checked, it is flushed and then renamed; a broken download is kept
 * and continued by the next attempt. Throws a Fault, and whatever `source` throws.
 */
export async function obtainFile(
  places: CachePlaces,
  wanted: WantedFile,
  hooks: FetchHooks = {},
): Promise<string> {
  const hex = hexOf(wanted.digest);
  return await withClaim({
    folder: `${places.root}/skiff/claims`,
    name: hex,
    find: () => findVerified(places, wanted),
    work: (tell) =>
      downloadInPeace(places, wanted, {
        ...hooks,
        onBytes: (done) => {
          tell(done, wanted.sizeBytes);
          hooks.onBytes?.(done);
        },
      }),
    signal: hooks.signal,
    ...(hooks.onWait === undefined ? {} : { onWait: hooks.onWait.bind(hooks) }),
  });
}

/** The first candidate that is there with the right size and was verified; one that is wrong is removed. */
export function findVerified(
  places: CachePlaces,
  wanted: Pick<WantedFile, "digest" | "sizeBytes" | "candidates">,
): string | undefined {
  for (const path of wanted.candidates) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined || !stat.isFile()) continue;
    const name = recordName(path, wanted.digest);
    const record = readRecord(places, "verified", name);
    const isKnown =
      record?.["size"] === stat.size &&
      record["mtimeMs"] === stat.mtimeMs &&
      record["ino"] === stat.ino;
    if (stat.size === wanted.sizeBytes && (isKnown || hashFile(path) === wanted.digest)) {
      if (!isKnown) rememberVerified(places, path, wanted.digest);
      return path;
    }
    // Removing what lies on a shared level fails, rightly.
    rmSync(path, { force: true, recursive: false });
  }
  return undefined;
}

/** Downloads again when the file is taken away meanwhile: someone cleans the cache, or thought this process dead. */
async function downloadInPeace(
  places: CachePlaces,
  wanted: WantedFile,
  hooks: FetchHooks,
): Promise<string> {
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    const path = await download(
      places,
      wanted,
      attempt === 1 ? hooks : { ...hooks, twin: undefined },
    );
    if (path !== undefined) return path;
    const found = findVerified(places, wanted);
    if (found !== undefined) return found;
  }
  throw new Fault("io", `Cannot store ${wanted.what}: its file is removed while it is written`, {
    hint: "is something cleaning the cache all the time?",
  });
}

/** Undefined when the file is gone in the end. */
async function download(
  places: CachePlaces,
  wanted: WantedFile,
  hooks: FetchHooks,
): Promise<string | undefined> {
  const [target = ""] = wanted.candidates;
  const hex = hexOf(wanted.digest);
  let partial: string | undefined;
  let file: FileHandle | undefined;
  let blocks: BlockFile | undefined;
  let writer: HashingWriter | undefined;
  try {
    makeFolder(dirName(target));
    partial = takePartial(places.root, hex, wanted.sizeBytes);
    file = await open(partial, "r+");
    const { size } = await file.stat();
    const twin = size === 0 ? hooks.twin : undefined;
    await twin?.begin(partial, wanted.sizeBytes);
    // With a twin it is the twin that is used next.
    const isDirect = twin !== undefined && wanted.sizeBytes >= LARGE_BYTES;
    blocks = await BlockFile.of(file, partial, size, isDirect);
    writer = new HashingWriter(twin === undefined ? [blocks] : [blocks, twin], wanted.sizeBytes);
    let at = await writer.readFrom(file.fd, wanted.sizeBytes);
    hooks.onBytes?.(at);
    try {
      for await (const piece of at < wanted.sizeBytes ? wanted.source(at) : []) {
        if (at + piece.length > wanted.sizeBytes) {
          throw refusal(wanted, `more than the ${wanted.sizeBytes} bytes of its description came`);
        }
        await writer.add(piece);
        at += piece.length;
        hooks.onBytes?.(at);
      }
    } finally {
      // What has come is kept for the next attempt.
      await writer.end();
    }
    if (at !== wanted.sizeBytes) {
      throw new Fault(
        "io",
        `Cannot fetch ${wanted.what}: it ended after ${at} of ${wanted.sizeBytes} bytes`,
        { hint: "try again: it goes on where it ended" },
      );
    }
    const found = await writer.digest();
    const digest = found === undefined ? hashFile(partial) : `sha256:${found}`;
    if (digest !== wanted.digest) throw refusal(wanted, `its content has the digest ${digest}`);
    await Promise.all([file.sync(), twin?.finish()]);
    await file.close();
    file = undefined;
    if (!renamed(partial, target)) return undefined;
    partial = undefined;
    // The folder is not flushed: an entry that a power failure takes away is fetched again.
    rememberVerified(places, target, wanted.digest);
    return target;
  } catch (error) {
    if (error instanceof Fault && error.code === "invalid" && partial !== undefined) {
      dropPartial(partial);
      partial = undefined;
    }
    throw spaceFault(error, `Cannot store ${wanted.what}`, places.root);
  } finally {
    writer?.close();
    await hooks.twin?.drop();
    await blocks?.end();
    await file?.close();
    if (partial !== undefined) leavePartial(partial, places.root, hex);
  }
}

/** Renames a file; false when it is not there. */
function renamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return false;
  }
}

function refusal(wanted: WantedFile, why: string): Fault {
  return new Fault("invalid", `Cannot use ${wanted.what}: ${why}`, {
    hint: "what was sent is not what the manifest names: the registry, or something on the way to it, is broken",
  });
}

/** Remembers that a file's digest was found right. */
export function rememberVerified(places: CachePlaces, path: string, digest: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  const { size, mtimeMs, ino } = stat;
  writeRecord(places, "verified", recordName(path, digest), { size, mtimeMs, ino });
}

function recordName(path: string, digest: string): string {
  // The same content may lie in two places, each with its own state.
  return `${hexOf(digest)}-${new Bun.CryptoHasher("sha256").update(path).digest("hex").slice(0, 8)}`;
}

/** How exact the time of last use is. More often would keep launches of the image from being known (runtime/replay). */
const USE_MS = 3600_000;

/** Marks an entry as used now; its own time stays. */
export function touchEntry(path: string): void {
  try {
    const { atimeMs, mtime } = statSync(path);
    if (Date.now() - atimeMs > USE_MS) utimesSync(path, new Date(), mtime);
  } catch {
    // A level that is only read.
  }
}

function hashFile(path: string): string | undefined {
  try {
    const fd = openSync(path, "r");
    try {
      const hash = new Bun.CryptoHasher("sha256");
      hashInto(hash, fd, Number.MAX_SAFE_INTEGER);
      return `sha256:${hash.digest("hex")}`;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

/** Feeds a file's content to a hash; gives its length, at most `limit`. */
function hashInto(hash: Bun.CryptoHasher, fd: number, limit: number): number {
  const buffer = new Uint8Array(1 << 20);
  let at = 0;
  for (;;) {
    const count = readSync(fd, buffer, 0, Math.min(buffer.length, limit - at), at);
    if (count === 0) return at;
    hash.update(buffer.subarray(0, count));
    at += count;
  }
}

/** Makes a rename last through a power failure. */
export function syncFolder(path: string): void {
  try {
    const fd = openSync(path, "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // File systems without it have no need.
  }
}
