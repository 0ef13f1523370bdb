import type { FileEntry, FileView } from "../base/file-view.ts";
import { resolveIn } from "../base/file-view.ts";
import { sortOsText } from "../base/os-text.ts";
import { cleanPath } from "../base/path.ts";
import {
  close,
  fstat,
  listDir,
  lstat,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  open,
  read,
  readlink,
  stat,
} from "./syscall.ts";

const DEFAULT_LIMIT = 16 * 1024 * 1024;

/**
 * Files of this machine below `root`, as a view: paths are relative to it, so `/etc` is `root/etc`.
 * Only the last part of a path is kept from being followed; a symbolic link before it is followed by
 * the kernel, out of `root` if it says so: resolve with `resolveIn` first. `id` is "major:minor:inode".
 */
export function hostFiles(root: string = "/"): FileView {
  const base = root === "/" ? "" : root;
  return {
    lstat: (path) => entryOf(base + path),
    list: (path) => {
      const entries = listDir(base + path);
      return entries === undefined ? undefined : sortOsText(entries.map((e) => e.name));
    },
    read: (path, limitBytes) => readFile(base + path, limitBytes),
  };
}

function entryOf(path: string): FileEntry | undefined {
  const entry = lstat(path);
  if (entry?.kind !== "symlink") return entry;
  const link = readlink(path);
  return link === undefined ? entry : { ...entry, link };
}

/** Content of a regular file; pseudo files that claim no size included. Never blocks on a FIFO or device. */
function readFile(path: string, limitBytes: number = DEFAULT_LIMIT): Uint8Array | undefined {
  const fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return undefined;
  try {
    const facts = fstat(fd);
    if (facts?.kind !== "file" || facts.sizeBytes > limitBytes) return undefined;
    return readToEnd(fd, facts.sizeBytes, limitBytes);
  } finally {
    close(fd);
  }
}

function readToEnd(fd: number, expected: number, limitBytes: number): Uint8Array | undefined {
  // One byte more than expected, so that a file of the stated size ends with one short read.
  let buffer = new Uint8Array(Math.min(Math.max(expected + 1, 4096), limitBytes + 1));
  let size = 0;
  for (;;) {
    const count = read(fd, buffer.subarray(size));
    if (count < 0) return undefined;
    size += count;
    if (count === 0 || size > limitBytes) break;
    if (expected > 0 && size === expected) break;
    if (size === buffer.length) {
      const larger = new Uint8Array(Math.min(buffer.length * 4, limitBytes + 1));
      larger.set(buffer);
      buffer = larger;
    }
  }
  return size > limitBytes ? undefined : buffer.subarray(0, size);
}

/** The entry a path leads to, symbolic links followed by the kernel. */
export function statFollow(path: string): FileEntry | undefined {
  return stat(path);
}

/** Canonical path of an existing file, as realpath(3) gives it; undefined when there is none. */
export function realPath(path: string): string | undefined {
  const fd = open(path, O_PATH);
  if (fd < 0) return undefined;
  try {
    const found = readlink(`/proc/self/fd/${fd}`);
    if (found?.startsWith("/") && !found.endsWith(" (deleted)")) return found;
  } finally {
    close(fd);
  }
  // Without /proc, or when the name really ends like that: link by link.
  const resolved = resolveIn(hostFiles(), cleanPath(path));
  return resolved.entry === undefined ? undefined : resolved.path;
}

/** Whether a path, links followed, is a directory. */
export function isDirectory(path: string): boolean {
  const fd = open(path, O_PATH | O_DIRECTORY);
  if (fd >= 0) close(fd);
  return fd >= 0;
}
