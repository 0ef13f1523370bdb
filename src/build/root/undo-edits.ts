import {
  chmodSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { Fault } from "../../base/fault.ts";
import { type FileView, resolveIn } from "../../base/file-view.ts";
import { cleanPath, dirName } from "../../base/path.ts";
import { hostFiles } from "../../host/host-files.ts";
import type { RootEdit } from "./edit.ts";

/** What was at a path of a root before edits; times in seconds since 1970, owners where they are not root. */
export type Before =
  | { readonly path: string; readonly kind: "absent" }
  | {
      readonly path: string;
      readonly kind: "file";
      readonly mode: number;
      readonly owner?: readonly [number, number];
      readonly seconds: number;
      /** Base 64. */
      readonly content: string;
    }
  | {
      readonly path: string;
      readonly kind: "symlink";
      readonly seconds: number;
      readonly target: string;
    }
  | {
      readonly path: string;
      readonly kind: "dir";
      readonly mode: number;
      readonly seconds: number;
    };

/** What undoes edits of a root that are about to be carried out. */
export function noteBefore(root: string, edits: readonly RootEdit[]): readonly Before[] {
  const noted = new Map<string, Before>();
  for (const { path } of edits) {
    for (const one of [dirName(path), path]) {
      if (!noted.has(one)) noted.set(one, lookAt(root, one));
    }
  }
  return [...noted.values()];
}

function lookAt(root: string, path: string): Before {
  const at = root + path;
  const stat = lstatSync(at, { throwIfNoEntry: false });
  if (stat === undefined) return { path, kind: "absent" };
  const seconds = Math.floor(stat.mtimeMs / 1000);
  const mode = stat.mode & 0o7777;
  if (stat.isSymbolicLink()) return { path, kind: "symlink", seconds, target: readlinkSync(at) };
  if (stat.isDirectory()) return { path, kind: "dir", mode, seconds };
  const content = stat.isFile() ? readFileSync(at).toString("base64") : "";
  const owner = stat.uid + stat.gid === 0 ? {} : { owner: [stat.uid, stat.gid] as const };
  return { path, kind: "file", mode, ...owner, seconds, content };
}

/**
 * Gives a root back what it had before edits. Root and notes may come from elsewhere: nothing outside
 * of the root is touched, whatever they say.
 */
export function undoEdits(root: string, before: readonly Before[]): void {
  const view = hostFiles(root);
  // What was made goes, the deepest first; then what was there comes back.
  for (const one of [...before].reverse()) {
    requireInside(view, one.path);
    const now = view.lstat(one.path);
    if (one.kind === "dir" || now === undefined) continue;
    if (now.kind === "dir") rmdirSync(root + one.path);
    else rmSync(root + one.path);
  }
  for (const one of before) {
    requireInside(view, one.path);
    putBack(root + one.path, one);
  }
  for (const one of [...before].reverse()) {
    requireInside(view, one.path);
    if (one.kind !== "dir" || view.lstat(one.path)?.kind !== "dir") continue;
    chmodSync(root + one.path, one.mode);
    lutimesSync(root + one.path, one.seconds, one.seconds);
  }
}

/** Throws for a path whose directory is reached through a symbolic link, or not inside the root. */
function requireInside(view: FileView, path: string): void {
  const folder = dirName(path);
  const isClean = path.startsWith("/") && cleanPath(path) === path;
  if (isClean && resolveIn(view, folder).path === folder) return;
  throw new Fault("invalid", `the note of "${path}" does not stay in the root`);
}

function putBack(at: string, one: Before): void {
  switch (one.kind) {
    case "absent":
    case "dir":
      return;
    case "symlink":
      symlinkSync(one.target, at);
      break;
    case "file":
      writeFileSync(at, Buffer.from(one.content, "base64"), { flag: "wx", mode: 0o600 });
      if (one.owner !== undefined) lchownSync(at, ...one.owner);
      chmodSync(at, one.mode);
      break;
  }
  lutimesSync(at, one.seconds, one.seconds);
}
