import { AT_FDCWD, call, pathAt, RESULT_AT, RESULT_VIEW, SYS } from "./_raw-call.ts";
import { STATX_BASIC } from "./file-stat.ts";

/** How a path was used: only looked at (what it is), or for what it holds (opened, listed). */
export type PathUse = "look" | "content";

/** How a path answers: the same words as long as it gives the same answers. */
export interface PathStamp {
  readonly path: string;
  readonly use: PathUse;
  /** Whether this user may write to it, where that was asked: mounts and access lists have a say that no word tells. */
  readonly writable?: boolean;
  /** 14 words of the path itself, 14 of what it leads to when it is a symbolic link. */
  readonly words: Uint32Array;
}

const AT_SYMLINK_NOFOLLOW = 0x100;
const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;
const STAT_WORDS = 14;
/** Where in them size and times begin. */
const TIMES_AT = 8;

/** The stamp of a path now. The launcher takes it again to compare (launcher/stamp.c). */
export function stampPath(path: string, use: PathUse): PathStamp {
  const words = new Uint32Array(2 * STAT_WORDS);
  const isLink = stampAt(path, AT_SYMLINK_NOFOLLOW, use, words, 0);
  if (isLink) stampAt(path, 0, use, words, STAT_WORDS);
  return { path, use, words };
}

/** Seconds since 1970 of the latest change of what a path holds, its links' own included; 0 when it is missing. */
export function changedSeconds(path: string): number {
  let latest = 0;
  for (const flags of [AT_SYMLINK_NOFOLLOW, 0]) {
    if (!statxInto(path, flags)) continue;
    latest = Math.max(latest, RESULT_VIEW.getUint32(96, true), RESULT_VIEW.getUint32(112, true));
  }
  return latest;
}

/** The stamp of the same path at the same time for the weaker use. */
export function lookOnly({ path, words }: PathStamp): PathStamp {
  const fewer = words.slice();
  if ((fewer[1] ?? 0) >>> 12 !== S_IFLNK >>> 12) fewer.fill(0, TIMES_AT, STAT_WORDS);
  fewer.fill(0, STAT_WORDS + TIMES_AT);
  return { path, use: "look", words: fewer };
}

/** The same as `changedSeconds` at the time of the stamp, of all that the stamp tells. */
export function stampedSeconds({ words }: PathStamp): number {
  const at = (stat: number): number => Math.max(words[stat + 10] ?? 0, words[stat + 12] ?? 0);
  return Math.max(at(0), at(STAT_WORDS));
}

/**
 * A missing path: zeros. Else 1, mode, owner, group, inode (2), device (2), and where its content
 * counts also size (2) and the times of change of content and inode, seconds (low word) and
 * nanoseconds. A link's own always count: it leads elsewhere only as another object, which may have
 * got the inode's number. Offsets of struct statx as in include/uapi/linux/stat.h. Whether it is a link.
 */
function stampAt(path: string, flags: number, use: PathUse, out: Uint32Array, at: number): boolean {
  if (!statxInto(path, flags)) return false;
  const v = RESULT_VIEW;
  const u32 = (offset: number): number => v.getUint32(offset, true);
  const mode = v.getUint16(28, true);
  out.set([1, mode, u32(20), u32(24), u32(32), u32(36), u32(136), u32(140)], at);
  const isLink = (mode & S_IFMT) === S_IFLNK;
  if (isLink || use === "content") {
    out.set([u32(40), u32(44), u32(112), u32(120), u32(96), u32(104)], at + TIMES_AT);
  }
  return isLink;
}

function statxInto(path: string, flags: number): boolean {
  const at = pathAt(path);
  return at >= 0 && call(SYS.statx, AT_FDCWD, at, flags, STATX_BASIC, RESULT_AT) >= 0;
}
