import type { FileEntry, FileView } from "../../../base/file-view.ts";
import { sortOsText } from "../../../base/os-text.ts";
import type { MergedNode } from "./merged-node.ts";

/** A merged root as a tree to look at. Contents are there only for files whose content was kept. */
export function mergedView(root: MergedNode): FileView {
  const find = (path: string): MergedNode | undefined => {
    let node: MergedNode | undefined = root;
    for (const name of path.split("/")) {
      if (name !== "") node = node?.children?.get(name);
    }
    return node;
  };
  return {
    lstat(path) {
      const node = find(path);
      return node === undefined ? undefined : entryOf(node);
    },
    list(path) {
      const names = find(path)?.children?.keys();
      return names === undefined ? undefined : sortOsText([...names]);
    },
    read: (path) => find(path)?.content,
  };
}

function entryOf(node: MergedNode): FileEntry {
  const { kind, mode, uid, gid, sizeBytes } = node;
  const entry = { kind, mode, uid, gid, sizeBytes, id: `merged:${node.serial}` };
  return kind === "symlink" ? { ...entry, link: node.link } : entry;
}
