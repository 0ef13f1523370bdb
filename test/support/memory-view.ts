import type { FileEntry, FileView } from "../../src/base/file-view.ts";

/** What a path of a made-up tree is: text of a file, "dir", or a link. */
export type MemoryNode =
  | "dir"
  | { readonly file: string; readonly mode?: number }
  | { readonly link: string }
  | "char";

/** A tree in memory: parents of every path exist as directories. */
export function memoryView(nodes: Readonly<Record<string, MemoryNode>>, device = "m"): FileView {
  const all = new Map<string, MemoryNode>([["/", "dir"]]);
  for (const [path, node] of Object.entries(nodes)) {
    for (let at = path.indexOf("/", 1); at > 0; at = path.indexOf("/", at + 1)) {
      if (!all.has(path.slice(0, at))) all.set(path.slice(0, at), "dir");
    }
    all.set(path, node);
  }
  return {
    lstat(path): FileEntry | undefined {
      const node = all.get(path);
      if (node === undefined) return undefined;
      const base = { mode: 0o755, uid: 0, gid: 0, sizeBytes: 0, id: `${device}:${path}` };
      if (node === "dir") return { ...base, kind: "dir" };
      if (node === "char") return { ...base, kind: "char" };
      if ("link" in node) return { ...base, kind: "symlink", link: node.link };
      return { ...base, kind: "file", mode: node.mode ?? 0o644, sizeBytes: node.file.length };
    },
    list(path) {
      if (all.get(path) !== "dir") return undefined;
      const prefix = path === "/" ? "/" : `${path}/`;
      return [...all.keys()]
        .filter((p) => p !== "/" && p.startsWith(prefix) && !p.slice(prefix.length).includes("/"))
        .map((p) => p.slice(prefix.length))
        .sort();
    },
    read(path) {
      const node = all.get(path);
      return node !== undefined && typeof node === "object" && "file" in node
        ? new TextEncoder().encode(node.file)
        : undefined;
    },
  };
}
