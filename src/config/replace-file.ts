import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { Fault } from "../base/fault.ts";
import { baseName, dirName } from "../base/path.ts";

/**
 * Replaces a file's content whole or not at all: written beside it, flushed, and renamed over it. A
 * link is followed, mode and owner are kept; a new file gets `mode`, and its directory is made: closed
 * to others where the file is.
 * Throws a Fault when it cannot.
 */
export function replaceFile(
  path: string,
  content: string | Uint8Array,
  mode: number = 0o644,
): void {
  const target = existing(path);
  const beside = `${dirName(target)}/.${baseName(target)}.${process.pid}`;
  try {
    mkdirSync(dirName(target), { recursive: true, mode: (mode & 0o077) === 0 ? 0o700 : 0o777 });
    const fd = openSync(beside, "wx", mode);
    try {
      const old = statOf(target);
      if (old !== undefined) chownSync(beside, old.uid, old.gid);
      chmodSync(beside, old === undefined ? mode : old.mode & 0o7777);
      const bytes = typeof content === "string" ? Buffer.from(content) : content;
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(beside, target);
  } catch (error) {
    rmSync(beside, { force: true });
    throw writeFault(path, error);
  }
}

function existing(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function statOf(
  path: string,
): { readonly uid: number; readonly gid: number; readonly mode: number } | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function writeFault(path: string, error: unknown): Fault {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const denied = ["EACCES", "EPERM", "EROFS"].includes(code);
  const why = denied
    ? "permission denied"
    : code === "ENOENT"
      ? "its directory does not exist"
      : code === "ENOSPC"
        ? "no space left"
        : `error ${code}`;
  return new Fault(denied ? "denied" : "io", `Cannot write "${path}": ${why}`, {
    cause: error,
    ...(denied ? { hint: "run it as root" } : {}),
  });
}
