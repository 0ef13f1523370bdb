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
import { resolveIn } from "../../base/file-view.ts";
import { dirName } from "../../base/path.ts";
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
 * Gives a root back what it had before edits. The root may come from elsewhere: no path leads through
 * a symbolic link.
 */
export function undoEdits(root: string, before: readonly Before[]): void {
  const view = hostFiles(root);
  for (const { path } of before) {
    const folder = dirName(path);
    const isClean = path.startsWith("/") && resolveIn(view, folder).path === folder;
    if (isClean || view.lstat(folder) === undefined) continue;
    throw new Fault("invalid", `"${path}" leads through a symbolic link`);
  }
  // What was made goes, the deepest first; then what was there comes back.
  for (const one of [...before].reverse()) {
    const now = view.lstat(one.path);
    if (one.kind === "dir" || now === undefined) continue;
    if (now.kind === "dir") rmdirSync(root + one.path);
    else rmSync(root + one.path);
  }
  for (const one of before) putBack(root + one.path, one);
  for (const one of [...before].reverse()) {
    if (one.kind !== "dir") continue;
    chmodSync(root + one.path, one.mode);
    lutimesSync(root + one.path, one.seconds, one.seconds);
  }
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
