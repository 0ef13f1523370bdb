import {
  chmodSync,
  constants,
  copyFileSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { Fault } from "../../base/fault.ts";
import { resolveIn } from "../../base/file-view.ts";
import { dirName } from "../../base/path.ts";
import { fileCapabilities, setFileCapabilities } from "../../host/file-attributes.ts";
import { hostFiles } from "../../host/host-files.ts";
import { notedOwner } from "../owners/noted-owners.ts";
import type { CopyEntry, CopyItem } from "./copy-list.ts";
import type { ModeChange } from "./mode-change.ts";

/** User and group of what is copied. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** How things arrive in the root. */
export interface CopyManner {
  /** Undefined: as at the source, where owners come along at all. */
  readonly owner: Owner | undefined;
  readonly keepsOwners: boolean;
  readonly mode: ModeChange | undefined;
  /** Told of a file whose capabilities the file system or the kernel refuses. */
  tellLost(path: string): void;
}

/**
 * Copies an item to a path of a root. A directory's content goes into the directory at that path; links
 * in the way of directories are followed inside the root, files and links are replaced.
 *
 * @param target clean absolute path in the root.
 */
export function copyItem(item: CopyItem, root: string, target: string, manner: CopyManner): void {
  makeParents(root, target, manner.owner);
  // Hard links among the copied files stay hard links.
  const made = new Map<string, string>();
  for (const entry of item.entries) {
    const wanted = entry.below === "" ? target : `${target === "/" ? "" : target}/${entry.below}`;
    try {
      copyEntry(entry, root, wanted, manner, made);
    } catch (cause) {
      if (cause instanceof Fault) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Fault("io", `Cannot copy "${item.path}" to "${wanted}": ${reason}`, { cause });
    }
  }
}

function copyEntry(
  item: CopyEntry,
  root: string,
  wanted: string,
  manner: CopyManner,
  made: Map<string, string>,
): void {
  const { from, below, stat } = item;
  const view = hostFiles(root);
  const folder = resolveIn(view, dirName(wanted)).path;
  const name = wanted.slice(wanted.lastIndexOf("/") + 1);
  if (stat.isDirectory()) {
    const { path, entry } = resolveIn(view, wanted);
    const to = root + path;
    const isNew = entry?.kind !== "dir";
    if (isNew) {
      if (entry !== undefined)
        throw new Fault("exists", `Cannot copy a directory over the file "${wanted}"`);
      mkdirSync(to, { recursive: true });
    }
    // The directory that the content goes into keeps what it had.
    if (isNew || below !== "") dress(to, item, manner);
    return;
  }
  // What is named is written where a link leads to; below, links are replaced.
  const found = below === "" ? resolveIn(view, wanted) : undefined;
  const to = root + (found?.path ?? (folder === "/" ? `/${name}` : `${folder}/${name}`));
  const there = lstatSync(to, { throwIfNoEntry: false });
  if (there?.isDirectory())
    throw new Fault("exists", `Cannot copy a file over the directory "${wanted}"`);
  if (there !== undefined) rmSync(to);
  if (stat.isSymbolicLink()) {
    symlinkSync(readlinkSync(from), to);
    own(to, item, manner);
    lutimesSync(to, stat.atime, stat.mtime);
    return;
  }
  if (!stat.isFile()) return;
  const twin = stat.nlink > 1 ? made.get(`${stat.dev}:${stat.ino}`) : undefined;
  if (twin !== undefined) {
    linkSync(twin, to);
    return;
  }
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
  dress(to, item, manner);
  // Last: another owner and new content take them away.
  const capabilities = fileCapabilities(from);
  if (capabilities !== undefined && setFileCapabilities(to, capabilities) !== 0) {
    manner.tellLost(wanted);
  }
  if (stat.nlink > 1) made.set(`${stat.dev}:${stat.ino}`, to);
}

/** Owner first: changing it takes set-id bits away. */
function dress(path: string, item: CopyEntry, manner: CopyManner): void {
  const { stat } = item;
  own(path, item, manner);
  const mode = stat.mode & 0o7777;
  chmodSync(path, manner.mode === undefined ? mode : manner.mode(mode, stat.isDirectory()));
  lutimesSync(path, stat.atime, stat.mtime);
}

function own(path: string, { from, stat }: CopyEntry, manner: CopyManner): void {
  const { uid, gid } = manner.owner ?? (manner.keepsOwners ? ownerOf(from, stat) : ROOT);
  giveTo(path, uid, gid);
}

const ROOT: Owner = { uid: 0, gid: 0 };

function ownerOf(path: string, stat: Owner): Owner {
  const noted = notedOwner(path);
  if (noted === undefined) return stat;
  const [uid = 0, gid = 0] = noted.split(":").map(Number);
  return { uid, gid };
}

/** Gives a path to an owner; where only one id exists everything belongs to that. */
export function giveTo(path: string, uid: number, gid: number): void {
  const stat = lstatSync(path);
  if (stat.uid === uid && stat.gid === gid) return;
  try {
    lchownSync(path, uid, gid);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== "EPERM" && code !== "EINVAL") throw cause;
  }
}

/** Makes the directories in front of a path, and the path itself when it ends in a slash. */
export function makeParents(root: string, path: string, owner: Owner | undefined): void {
  const folder = path.endsWith("/") ? path.slice(0, -1) : dirName(path);
  const {
    path: resolved,
    entry,
    missing,
  } = resolveIn(hostFiles(root), folder === "" ? "/" : folder);
  if (entry?.kind === "dir") return;
  if (missing === undefined) {
    throw new Fault("exists", `Cannot make the directory "${folder}": something else is there`);
  }
  mkdirSync(root + resolved, { recursive: true });
  for (let at = resolved; at.length >= missing.length; at = dirName(at)) {
    chmodSync(root + at, 0o755);
    giveTo(root + at, owner?.uid ?? 0, owner?.gid ?? 0);
    if (at === "/") break;
  }
}
