import { llistxattr, lremovexattr } from "../../host/file-attributes.ts";
import { lgetxattr, listDir, lstat } from "../../host/syscall.ts";
import { hasOneId } from "../one-id.ts";

/** Where one id exists, the starter notes here to whom a file was given (starter/owners.c). */
export const OWNER = "user.skiff.owner";

const IDS = /^([0-9]{1,10}):([0-9]{1,10})$/;
/** The next one stands for no id at all. */
const MAX_ID = 0xfffffffe;

/**
 * To whom a file was given, `uid:gid`; undefined when that is root, or who owns it. What looks like a
 * note may have come with an image: it counts only where there are notes, and as two ids.
 */
export function notedOwner(path: string): string | undefined {
  const value = lgetxattr(path, OWNER);
  if (value === undefined || !hasOneId()) return undefined;
  const [text, uid, gid] = IDS.exec(new TextDecoder().decode(value)) ?? [];
  return Number(uid) <= MAX_ID && Number(gid) <= MAX_ID ? text : undefined;
}

/** The notes in a tree. */
export interface NotedOwners {
  /** `uid:gid` by path in the tree. */
  readonly owners: ReadonlyMap<string, string>;
  /** Whether files have other attributes, too, such as capabilities. */
  readonly hasOthers: boolean;
}

export function readNotedOwners(root: string): NotedOwners {
  const owners = new Map<string, string>();
  let hasOthers = false;
  const look = (path: string): void => {
    const kind = lstat(root + path)?.kind;
    if (kind !== "file" && kind !== "dir") return;
    for (const name of llistxattr(root + path)) {
      if (name !== OWNER) hasOthers ||= name !== "security.selinux";
      else owners.set(path === "" ? "/" : path, notedOwner(root + path) ?? "0:0");
    }
    if (kind !== "dir") return;
    for (const { name } of listDir(root + path) ?? []) look(`${path}/${name}`);
  };
  look("");
  return { owners, hasOthers };
}

/** Takes notes off a tree; on an overlay each costs a copy of its file. */
export function removeNotes(root: string, { owners }: NotedOwners): void {
  for (const path of owners.keys()) lremovexattr(root + path, OWNER);
}
