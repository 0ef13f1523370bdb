import type { FileEntry, FileKind } from "../base/file-view.ts";
import { RESULT_VIEW } from "./_raw-call.ts";

/** What statx(2) tells about one file. */
export interface FileStat extends Omit<FileEntry, "link"> {
  /** File system it lies on, "major:minor"; the first part of `id` ("major:minor:inode"). */
  readonly device: string;
  readonly links: number;
  /** For character and block devices, "major:minor"; "0:0" for all else (and for an overlay whiteout). */
  readonly special: string;
  /** Seconds since 1970, fraction dropped. */
  readonly modifiedSeconds: number;
}

/** STATX_BASIC_STATS. */
export const STATX_BASIC: number = 0x7ff;

const KINDS: Readonly<Record<number, FileKind>> = {
  1: "fifo",
  2: "char",
  4: "dir",
  6: "block",
  8: "file",
  10: "symlink",
  12: "socket",
};

/** Kind of a file from the type bits of its mode shifted down (S_IFMT >> 12), which are also the DT_* values. */
export function kindOf(type: number): FileKind {
  return KINDS[type] ?? "file";
}

/** Reads a struct statx (include/uapi/linux/stat.h, little-endian) from the result buffer. */
export function readStat(): FileStat {
  const v = RESULT_VIEW;
  const mode = v.getUint16(28, true);
  const device = `${v.getUint32(136, true)}:${v.getUint32(140, true)}`;
  // Inode numbers of some network file systems use all 64 bits.
  const high = v.getUint32(36, true);
  const inode =
    high < 0x200000 ? high * 0x100000000 + v.getUint32(32, true) : v.getBigUint64(32, true);
  return {
    kind: kindOf(mode >> 12),
    mode: mode & 0o7777,
    uid: v.getUint32(20, true),
    gid: v.getUint32(24, true),
    sizeBytes: v.getUint32(44, true) * 0x100000000 + v.getUint32(40, true),
    id: `${device}:${inode}`,
    device,
    links: v.getUint32(16, true),
    special: `${v.getUint32(128, true)}:${v.getUint32(132, true)}`,
    modifiedSeconds: v.getInt32(116, true) * 0x100000000 + v.getUint32(112, true),
  };
}
