import {
  closeSync,
  lstatSync,
  lutimesSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  type Stats,
  writeFileSync,
  writeSync,
} from "node:fs";

/** What a walk over a tree finds. */
export interface TreeSums {
  /** Newest time of change of content before a moment; seconds since 1970, 0 when there is none. */
  readonly newestSeconds: number;
  /** Bytes of all files. */
  readonly sizeBytes: number;
}

/** No image is older: archives that many programs write cannot hold earlier times. */
export const EARLIEST_SECONDS = 315_532_800;

/** The kernel gives files a time that is up to one tick old: at most so long. */
const TICK_MS = 10;

/**
 * The time that a file made right now in a directory has, milliseconds since 1970: the kernel's clock
 * for files goes in steps, so that a file may seem older than the moment before it was made.
 */
export function fileClockMs(folder: string): number {
  const path = `${folder}/clock`;
  writeFileSync(path, "");
  try {
    return lstatSync(path).mtimeMs;
  } finally {
    rmSync(path, { force: true });
  }
}

/**
 * Looks at all of a tree. Times from `beforeMs` on are those of the build itself; the newest one
 * before it comes with the content, and so is the same in every build.
 */
export async function sumTree(
  root: string,
  beforeMs: number,
  signal: AbortSignal,
): Promise<TreeSums> {
  let newest = 0;
  let sizeBytes = 0;
  const seen = new Set<string>();
  await walk(
    root,
    (_, stat) => {
      if (stat.mtimeMs < beforeMs - TICK_MS && stat.mtimeMs > newest) newest = stat.mtimeMs;
      if (!stat.isFile()) return;
      // A file of several names takes its room once.
      const id = `${stat.dev}:${stat.ino}`;
      if (stat.nlink === 1 || !seen.has(id)) sizeBytes += stat.size;
      if (stat.nlink > 1) seen.add(id);
    },
    signal,
  );
  return { newestSeconds: Math.max(EARLIEST_SECONDS, Math.floor(newest / 1000)), sizeBytes };
}

/**
 * Gives everything in a tree that is newer than the image's time that time. Python's compiled files
 * tell the time of their source, and are only used as long as it is right: it is changed with it.
 */
export async function settleTimes(
  root: string,
  latestSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  await walk(
    root,
    (path, stat) => {
      if (stat.mtimeMs <= latestSeconds * 1000) return;
      try {
        if (stat.isFile() && path.endsWith(".pyc")) settleBytecode(path, latestSeconds);
        lutimesSync(path, latestSeconds, latestSeconds);
      } catch {
        // Not the user's, or special: packing clamps its time.
      }
    },
    signal,
  );
}

/**
 * Header of a compiled Python file: magic number, flags, then for flags 0 the time of the source and
 * its size, 32 bits each, little-endian (PEP 552).
 */
function settleBytecode(path: string, latestSeconds: number): void {
  const header = new Uint8Array(12);
  const fd = openSync(path, "r+");
  try {
    if (readSync(fd, header, 0, 12, 0) < 12) return;
    const view = new DataView(header.buffer);
    if (view.getUint32(4, true) !== 0 || view.getUint32(8, true) <= latestSeconds) return;
    view.setUint32(8, latestSeconds, true);
    writeSync(fd, header, 8, 4, 8);
  } finally {
    closeSync(fd);
  }
}

type Visit = (path: string, stat: Stats) => void;

/** Entries between two looks at signals. */
const ENTRIES_AT_ONCE = 2048;

/** Visits what is in a directory before the directory; throws the reason of the signal. */
async function walk(root: string, visit: Visit, signal: AbortSignal): Promise<void> {
  const open: { readonly path: string; readonly names: string[] }[] = [];
  let count = 0;
  const enter = (path: string): void => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) open.push({ path, names: namesIn(path) });
    else if (stat !== undefined) visit(path, stat);
  };
  enter(root);
  for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
    if (++count % ENTRIES_AT_ONCE === 0) {
      await Bun.sleep(0);
      signal.throwIfAborted();
    }
    const name = last.names.pop();
    if (name !== undefined) {
      enter(`${last.path}/${name}`);
      continue;
    }
    open.pop();
    const stat = lstatSync(last.path, { throwIfNoEntry: false });
    if (stat !== undefined) visit(last.path, stat);
  }
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
