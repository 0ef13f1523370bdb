import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { Fault } from "../../base/fault.ts";
import { hostFiles } from "../../host/host-files.ts";
import type { RootEdit } from "./edit.ts";
import { type EditedView, editedView } from "./edited-view.ts";

/** Plans edits of the directory `root` and carries them out; gives them. */
export function editRoot(root: string, plan: (view: EditedView) => void): readonly RootEdit[] {
  const view = editedView(hostFiles(root));
  plan(view);
  applyEdits(root, view.edits);
  return view.edits;
}

/**
 * Carries out edits below the directory `root`. What is replaced is unlinked first, never written
 * through, so that a hard link or symbolic link in the root cannot lead out of it.
 */
export function applyEdits(root: string, edits: readonly RootEdit[]): void {
  for (const edit of edits) {
    try {
      applyEdit(root, edit);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Fault("io", `Cannot write "${edit.path}" in the root file system: ${reason}`, {
        cause,
      });
    }
  }
}

function applyEdit(root: string, edit: RootEdit): void {
  const path = root + edit.path;
  switch (edit.kind) {
    case "dir":
      mkdirSync(path, { mode: edit.mode });
      chmodSync(path, edit.mode);
      return;
    case "file": {
      rmSync(path, { force: true });
      const flags =
        constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
      const fd = openSync(path, flags, 0o600);
      try {
        for (let at = 0; at < edit.content.length; ) at += writeSync(fd, edit.content, at);
        fchmodSync(fd, edit.mode);
      } finally {
        closeSync(fd);
      }
      return;
    }
    case "symlink":
      rmSync(path, { force: true });
      symlinkSync(edit.target, path);
      return;
    case "mode":
      chmodSync(path, edit.mode);
      return;
    case "remove":
      rmSync(path, { force: true });
      return;
  }
}
