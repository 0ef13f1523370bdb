import { statfsSync, statSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { dirName } from "../../base/path.ts";

/** Bytes free for this user on the file system of a path that need not exist yet; undefined when nobody says. */
export function freeBytes(path: string): number | undefined {
  for (let at = path; ; at = dirName(at)) {
    try {
      const { bavail, bsize } = statfsSync(at);
      return bavail * bsize;
    } catch {
      if (at === "/" || at === ".") return undefined;
    }
  }
}

/** A directory that is about to be written to. */
export interface SpaceNeed {
  readonly folder: string;
  readonly needBytes: number;
  /** What moves the directory elsewhere: a variable or an option. */
  readonly variable: string;
}

/** Throws a Fault when a file system has not the room for all that is about to be written there. */
export function requireSpace(needs: readonly SpaceNeed[], what: string): void {
  const sums = new Map<number | string, number>();
  for (const { folder, needBytes, variable } of needs) {
    const place = deviceOf(folder) ?? folder;
    const sum = (sums.get(place) ?? 0) + needBytes;
    sums.set(place, sum);
    const free = freeBytes(folder);
    if (free === undefined || free >= sum) continue;
    const mib = (bytes: number): string => `${Math.ceil(bytes / 1048576)} MiB`;
    throw new Fault(
      "io",
      `Cannot store ${what} in "${folder}": ${mib(sum)} are needed, ${mib(free)} are free`,
      { hint: `make room ("cache clean"), or name another directory in ${variable}` },
    );
  }
}

/** Number of the file system of a path that need not exist yet. */
function deviceOf(path: string): number | undefined {
  for (let at = path; ; at = dirName(at)) {
    const stat = statSync(at, { throwIfNoEntry: false });
    if (stat !== undefined || at === "/" || at === ".") return stat?.dev;
  }
}

/** An error of writing below the cache, as a Fault that says what to do; Faults stay as they are. */
export function spaceFault(error: unknown, what: string, folder: string): unknown {
  if (error instanceof Fault || !(error instanceof Error) || !("code" in error)) return error;
  const code = String(error.code);
  const reasons: Readonly<Record<string, string>> = {
    ENOSPC: "no space left on the device",
    EDQUOT: "the quota is used up",
    EROFS: "the file system is read-only",
    EACCES: "permission denied",
    EPERM: "operation not permitted",
    EIO: "input/output error",
    EFBIG: "the limit on the size of files is lower (ulimit -f)",
  };
  const why = reasons[code];
  if (why === undefined) return error;
  const isFull = code === "ENOSPC" || code === "EDQUOT";
  const isLong = code === "EFBIG";
  const isDenied = !isFull && !isLong && code !== "EIO";
  return new Fault(isDenied ? "denied" : "io", `${what} in "${folder}": ${why}`, {
    cause: error,
    hint: isLong
      ? "raise the limit, or ask whoever set it"
      : isFull
        ? 'make room ("cache clean"), or name another directory in SKIFF_CACHEDIR'
        : "name another directory in SKIFF_CACHEDIR",
  });
}
