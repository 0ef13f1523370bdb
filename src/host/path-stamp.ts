import { AT_FDCWD, call, pathAt, RESULT_AT, RESULT_VIEW, SYS } from "./_raw-call.ts";
import { STATX_BASIC } from "./file-stat.ts";
import type { PathUse } from "./path-trace.ts";

const AT_SYMLINK_NOFOLLOW = 0x100;
const S_IFMT = 0o170000;
const S_IFLNK = 0o120000;

/**
 * A text that stays the same as long as a path gives the same answers: for a look who, what kind and
 * which object it is; for its content also size and times of change. "-" for a missing path. Where
 * the path is a symbolic link, the link and what it leads to.
 */
export function stampPath(path: string, use: PathUse): string {
  const own = stampAt(path, AT_SYMLINK_NOFOLLOW, use);
  const isLink = own !== "-" && (RESULT_VIEW.getUint16(28, true) & S_IFMT) === S_IFLNK;
  return isLink ? `${own}>${stampAt(path, 0, use)}` : own;
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

/** struct statx: offsets as in include/uapi/linux/stat.h. */
function stampAt(path: string, flags: number, use: PathUse): string {
  if (!statxInto(path, flags)) return "-";
  const v = RESULT_VIEW;
  const u32 = (at: number): number => v.getUint32(at, true);
  const object = `${v.getUint16(28, true)}.${u32(20)}.${u32(24)}.${u32(32)}.${u32(36)}.${u32(136)}.${u32(140)}`;
  if (use === "look") return object;
  return `${object}.${u32(40)}.${u32(44)}.${u32(96)}.${u32(104)}.${u32(112)}.${u32(120)}`;
}

function statxInto(path: string, flags: number): boolean {
  const at = pathAt(path);
  return at >= 0 && call(SYS.statx, AT_FDCWD, at, flags, STATX_BASIC, RESULT_AT) >= 0;
}
