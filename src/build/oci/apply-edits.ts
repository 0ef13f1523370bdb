import { Fault } from "../../base/fault.ts";
import { impliedDirectory, type MergedNode } from "../../format/oci/merge/merged-node.ts";
import type { RootEdit } from "../root/edit.ts";

/**
 * Carries out edits in a merged root. What they add belongs to root.
 *
 * @param mtimeSeconds of what they add.
 */
export function applyEdits(
  root: MergedNode,
  edits: readonly RootEdit[],
  mtimeSeconds: number,
): void {
  for (const edit of edits) {
    const names = edit.path.split("/").filter((name) => name !== "");
    const last = names.pop();
    if (last === undefined) {
      if (edit.kind === "mode") root.mode = edit.mode;
      continue;
    }
    let parent: MergedNode | undefined = root;
    for (const name of names) parent = parent?.children?.get(name);
    const children = parent?.children;
    if (children === undefined) {
      throw new Fault("failed", `Cannot write "${edit.path}" in the image: it has no directory`);
    }
    const made = impliedDirectory(mtimeSeconds);
    switch (edit.kind) {
      case "dir":
        children.set(last, { ...made, mode: edit.mode });
        break;
      case "file":
        children.set(last, {
          ...made,
          kind: "file",
          mode: edit.mode,
          sizeBytes: edit.content.length,
          children: undefined,
          content: edit.content,
        });
        break;
      case "symlink":
        children.set(last, {
          ...made,
          kind: "symlink",
          mode: 0o777,
          link: edit.target,
          children: undefined,
        });
        break;
      case "mode": {
        const node = children.get(last);
        if (node !== undefined) node.mode = edit.mode;
        break;
      }
      case "remove":
        children.delete(last);
        break;
    }
  }
}
