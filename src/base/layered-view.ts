import type { FileEntry, FileView } from "./file-view.ts";

/** A layer: the part of a view below `dir` is its root. */
export interface Layer {
  readonly view: FileView;
  readonly dir: string;
}

function inside(layer: Layer, path: string): string {
  return layer.dir === "/" ? path : path === "/" ? layer.dir : layer.dir + path;
}

/** A character device in an upper layer stands for "deleted" (overlayfs whiteout); real ones live in /dev only. */
function isWhiteout(entry: FileEntry, path: string): boolean {
  return entry.kind === "char" && !path.startsWith("/dev/");
}

/** Begins the names of files with which fuse-overlayfs and OCI layers tell what is deleted. */
const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";

/** The layers as one tree, topmost first, as overlayfs merges them. */
export function layeredView(layers: readonly Layer[]): FileView {
  /** The topmost entry; a whiteout or a non-directory on the way hides what lies below. */
  const find = (path: string): { entry: FileEntry; layer: Layer } | undefined => {
    for (const layer of layers) {
      const entry = layer.view.lstat(inside(layer, path));
      if (entry !== undefined) return isWhiteout(entry, path) ? undefined : { entry, layer };
      if (isHidden(layer, path)) return undefined;
    }
    return undefined;
  };
  const isHidden = (layer: Layer, path: string): boolean => {
    const has = (name: string): boolean => layer.view.lstat(inside(layer, name)) !== undefined;
    for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
      const at = path.slice(0, end);
      const entry = end === path.length ? undefined : layer.view.lstat(inside(layer, at));
      if (entry !== undefined && entry.kind !== "dir") return true;
      if (entry !== undefined && has(`${at}/${OPAQUE}`)) return true;
      const cut = at.lastIndexOf("/") + 1;
      if (entry === undefined && has(`${at.slice(0, cut)}${WHITEOUT}${at.slice(cut)}`)) return true;
    }
    return false;
  };
  return {
    lstat: (path) => find(path)?.entry,
    list: (path) => {
      if (find(path)?.entry.kind !== "dir") return undefined;
      const names = new Map<string, boolean>();
      for (const layer of layers) {
        for (const name of layer.view.list(inside(layer, path)) ?? []) {
          if (name.startsWith(WHITEOUT)) {
            if (!names.has(name.slice(WHITEOUT.length)))
              names.set(name.slice(WHITEOUT.length), false);
            continue;
          }
          if (names.has(name)) continue;
          const child = path === "/" ? `/${name}` : `${path}/${name}`;
          const entry = layer.view.lstat(inside(layer, child));
          names.set(name, entry === undefined || !isWhiteout(entry, child));
        }
        if (isHidden(layer, `${path}/x`)) break;
      }
      return [...names]
        .filter(([, shown]) => shown)
        .map(([name]) => name)
        .sort();
    },
    read: (path, limitBytes) => {
      const found = find(path);
      return found?.layer.view.read(inside(found.layer, path), limitBytes);
    },
  };
}
