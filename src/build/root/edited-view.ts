import type { FileEntry, FileView } from "../../base/file-view.ts";
import { baseName, dirName } from "../../base/path.ts";
import type { RootEdit } from "./edit.ts";

interface Change {
  readonly entry: FileEntry | undefined;
  readonly content: Uint8Array | undefined;
}

/** A root as it will look after edits: a view that edits can be added to while planning more of them. */
export interface EditedView extends FileView {
  readonly edits: readonly RootEdit[];
  add(edit: RootEdit): void;
}

/** Starts with the root as it is. */
export function editedView(base: FileView): EditedView {
  const changes = new Map<string, Change>();
  const edits: RootEdit[] = [];
  const entryAt = (path: string): FileEntry | undefined => {
    const change = changes.get(path);
    return change === undefined ? base.lstat(path) : change.entry;
  };
  return {
    edits,
    lstat: entryAt,
    list(path) {
      const names = new Set(base.list(path) ?? []);
      for (const [changed, { entry }] of changes) {
        if (dirName(changed) !== path) continue;
        if (entry === undefined) names.delete(baseName(changed));
        else names.add(baseName(changed));
      }
      return entryAt(path)?.kind === "dir" ? [...names].sort() : undefined;
    },
    read(path, limitBytes) {
      const content = changes.get(path)?.content;
      if (content !== undefined) return content;
      return entryAt(path)?.kind === "file" ? base.read(path, limitBytes) : undefined;
    },
    add(edit) {
      edits.push(edit);
      changes.set(edit.path, changeOf(edit, entryAt(edit.path), changes.get(edit.path)?.content));
    },
  };
}

function changeOf(
  edit: RootEdit,
  before: FileEntry | undefined,
  content: Uint8Array | undefined,
): Change {
  const made = { uid: 0, gid: 0, id: `edit:${edit.path}` };
  switch (edit.kind) {
    case "dir":
      return { entry: { ...made, kind: "dir", mode: edit.mode, sizeBytes: 0 }, content: undefined };
    case "file":
      return {
        entry: { ...made, kind: "file", mode: edit.mode, sizeBytes: edit.content.length },
        content: edit.content,
      };
    case "symlink":
      return {
        entry: { ...made, kind: "symlink", mode: 0o777, sizeBytes: 0, link: edit.target },
        content: undefined,
      };
    case "mode":
      return { entry: before && { ...before, mode: edit.mode }, content };
    case "remove":
      return { entry: undefined, content: undefined };
  }
}
