import { statfsSync } from "node:fs";
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

/**
 * Throws a Fault when a directory has not the room for what is about to be written; `variable` is
 * what moves the directory elsewhere.
 */
export function requireSpace(
  folder: string,
  needBytes: number,
  what: string,
  variable: string,
): void {
  const free = freeBytes(folder);
  if (free === undefined || free >= needBytes) return;
  const mib = (bytes: number): string => `${Math.ceil(bytes / 1048576)} MiB`;
  throw new Fault(
    "io",
    `Cannot store ${what} in "${folder}": ${mib(needBytes)} are needed, ${mib(free)} are free`,
    { hint: `make room ("cache clean"), or name another directory in ${variable}` },
  );
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
  };
  const why = reasons[code];
  if (why === undefined) return error;
  const isFull = code === "ENOSPC" || code === "EDQUOT";
  return new Fault(isFull || code === "EIO" ? "io" : "denied", `${what} in "${folder}": ${why}`, {
    cause: error,
    hint: isFull
      ? 'make room ("cache clean"), or name another directory in SKIFF_CACHEDIR'
      : "name another directory in SKIFF_CACHEDIR",
  });
}
