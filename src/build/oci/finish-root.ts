import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import type { ByteSource } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import type { MergedNode } from "../../format/oci/merge/merged-node.ts";
import { rewriteRoot } from "../../format/squashfs/rewrite-root.ts";
import { decompress } from "../../image/decompress.ts";

/** What mksquashfs fills its files up to. */
const BLOCK_BYTES = 4096;

/**
 * Gives the file system at `offsetBytes` of a file the root directory of the image, and a time of its
 * own. Gives the length of the file system.
 *
 * @param latest that time, and the latest one for the root; seconds since 1970.
 * @param usedIds owners and groups of all that is in it.
 */
export function finishRoot(
  path: string,
  offsetBytes: number,
  root: MergedNode,
  latest: number,
  usedIds: ReadonlySet<number>,
): number {
  const fd = openSync(path, "r+");
  try {
    const source: ByteSource = {
      sizeBytes: fstatSync(fd).size - offsetBytes,
      read: (offset, length) => readAll(fd, offsetBytes + offset, length),
    };
    const { mode, uid, gid } = root;
    const mtimeSeconds = Math.max(0, Math.min(root.mtimeSeconds, latest));
    const made = rewriteRoot(source, decompress, { mode, uid, gid, mtimeSeconds }, usedIds, latest);
    writeAll(fd, offsetBytes + made.offset, made.bytes);
    writeAll(fd, offsetBytes, made.superblock);
    const usedBytes = made.offset + made.bytes.length;
    const sizeBytes = Math.ceil(usedBytes / BLOCK_BYTES) * BLOCK_BYTES;
    // Cut first, so that what fills the last block is zero.
    ftruncateSync(fd, offsetBytes + usedBytes);
    ftruncateSync(fd, offsetBytes + sizeBytes);
    return sizeBytes;
  } finally {
    closeSync(fd);
  }
}

function readAll(fd: number, offset: number, length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const count = readSync(fd, out, at, length - at, offset + at);
    if (count === 0) throw new Fault("invalid", "Cannot read SquashFS image: it is cut off");
    at += count;
  }
  return out;
}

function writeAll(fd: number, offset: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    at += writeSync(fd, bytes, at, bytes.length - at, offset + at);
  }
}
