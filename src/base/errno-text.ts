/** The kernel's words for errno numbers that a user meets when files are opened and written. */
const TEXTS: Readonly<Record<number, string>> = {
  1: "operation not permitted",
  2: "no such file or directory",
  4: "interrupted system call",
  5: "input/output error",
  11: "resource temporarily unavailable",
  13: "permission denied",
  17: "file exists",
  20: "not a directory",
  21: "is a directory",
  22: "invalid argument",
  23: "too many open files in system",
  24: "too many open files",
  26: "text file busy",
  27: "file too large",
  28: "no space left on device",
  30: "read-only file system",
  36: "file name too long",
  40: "too many levels of symbolic links",
  111: "connection refused",
  116: "stale file handle",
  122: "disk quota exceeded",
};

/** Words for an errno number (positive); "errno N" for one that is not in the list. */
export function errnoText(errno: number): string {
  return TEXTS[errno] ?? `errno ${errno}`;
}
