import { lremovexattr } from "../../host/file-attributes.ts";
import { lgetxattr, listDir, lstat } from "../../host/syscall.ts";

/** Where one id exists, the starter notes here to whom a file was given (starter/owners.c). */
const OWNER = "user.skiff.owner";

/** To whom a file was given, `uid:gid`; undefined when that is root, or who owns it. */
export function notedOwner(path: string): string | undefined {
  const value = lgetxattr(path, OWNER);
  return value && new TextDecoder().decode(value);
}

/** Takes all notes off a tree; gives them by path in it. */
export function takeNotedOwners(root: string): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  const look = (path: string): void => {
    const kind = lstat(root + path)?.kind;
    if (kind !== "file" && kind !== "dir") return;
    const ids = notedOwner(root + path);
    if (ids !== undefined) {
      owners.set(path === "" ? "/" : path, ids);
      lremovexattr(root + path, OWNER);
    }
    if (kind !== "dir") return;
    for (const { name } of listDir(root + path) ?? []) look(`${path}/${name}`);
  };
  look("");
  return owners;
}
