import {
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirName } from "../../base/path.ts";

/** Bytes and where in a file they go. */
export interface FilePart {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/**
 * Writes what comes before the file system of the image `temporary`, makes it executable, flushes it
 * and gives it the name `target` in the same directory or file system. A file of that name is
 * replaced in one step; a directory is removed first. Throws the error of the system.
 */
export function finishSif(temporary: string, parts: readonly FilePart[], target: string): void {
  const fd = openSync(temporary, "r+");
  try {
    for (const { offset, bytes } of parts) {
      for (let at = 0; at < bytes.length; ) {
        at += writeSync(fd, bytes, at, bytes.length - at, offset + at);
      }
    }
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  chmodSync(temporary, 0o755 & ~process.umask());
  const isDirectory = statSync(target, { throwIfNoEntry: false })?.isDirectory() === true;
  if (isDirectory) rmSync(target, { recursive: true, force: true });
  renameSync(temporary, target);
  syncDirectory(dirName(target));
}

function syncDirectory(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
