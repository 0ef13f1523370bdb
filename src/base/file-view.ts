/** What one directory entry is. */
export type FileKind = "file" | "dir" | "symlink" | "char" | "block" | "fifo" | "socket";

/** Facts about one entry of a tree; the same shape for the host, a sandbox and a packed image. */
export interface FileEntry {
  readonly kind: FileKind;
  /** Permission bits with set-id and sticky, no type bits: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Device and inode number as text: two entries with equal `id` are the same object. */
  readonly id: string;
  /** Text of a symbolic link. */
  readonly link?: string;
}

/**
 * A readable tree of files. Paths are absolute and clean. All calls are synchronous and give
 * `undefined` for what is not there or may not be read; they throw a Fault only for broken data.
 */
export interface FileView {
  /** The entry itself, symbolic links not followed in the last part; parents must be real directories. */
  lstat(path: string): FileEntry | undefined;
  /** Names in a directory, without `.` and `..`, sorted by bytes. */
  list(path: string): readonly string[] | undefined;
  /** Content of a regular file, at most `limitBytes` (default 16 MiB; longer gives `undefined`). */
  read(path: string, limitBytes?: number): Uint8Array | undefined;
}

/** Where a path leads inside a view. */
export interface Resolved {
  /** Canonical path: no symbolic links; for a missing target the canonical part plus the missing rest. */
  readonly path: string;
  /** The entry, never a symlink; absent when the path does not exist. */
  readonly entry: FileEntry | undefined;
  /** First missing path on the way (equals `path` when only the last part is missing). */
  readonly missing: string | undefined;
}

/**
 * Follows symbolic links as the kernel would in a process whose root is the view's root: absolute
 * links restart at the root, `..` never leaves it. A loop (over 40 links) counts as missing.
 */
export function resolveIn(view: FileView, path: string): Resolved {
  let todo = path.split("/").filter((p) => p !== "" && p !== ".");
  const done: string[] = [];
  let links = 0;
  let missing: string | undefined;
  let entry: FileEntry | undefined;
  while (todo.length > 0) {
    const part = todo.shift();
    if (part === undefined) break;
    if (part === "..") {
      done.pop();
      entry = undefined;
      continue;
    }
    done.push(part);
    const here = `/${done.join("/")}`;
    if (missing !== undefined) continue;
    entry = view.lstat(here);
    if (entry === undefined) {
      missing = here;
    } else if (entry.kind === "symlink") {
      if (++links > 40) return { path: here, entry: undefined, missing: here };
      const link = entry.link ?? "";
      done.pop();
      if (link.startsWith("/")) done.length = 0;
      todo = [...link.split("/").filter((p) => p !== "" && p !== "."), ...todo];
      entry = undefined;
    }
  }
  const final = `/${done.join("/")}`;
  if (missing !== undefined) return { path: final, entry: undefined, missing };
  const last = entry ?? view.lstat(final);
  return { path: final, entry: last, missing: last === undefined ? final : undefined };
}
