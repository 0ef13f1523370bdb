import type { FileView } from "../base/file-view.ts";
import type { MountPoint } from "./plan.ts";

/** One entry of a root that is put together from binds, parents first. */
export type UnderlayEntry =
  | { readonly kind: "dir"; readonly path: string; readonly mode: number }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "symlink"; readonly path: string; readonly link: string }
  | { readonly kind: "bind"; readonly path: string; readonly isDir: boolean };

/**
 * The entries of an underlay (reference: runtime.md 4.6): every directory that must get a new entry
 * is made anew in the session, its old children are bound or linked into it, and the missing ones added.
 */
export function planUnderlay(mountPoints: readonly MountPoint[], image: FileView): UnderlayEntry[] {
  const made = new Map(mountPoints.map((point) => [point.path, point]));
  const out: UnderlayEntry[] = [];
  const fill = (dir: string): void => {
    const prefix = dir === "/" ? "" : dir;
    const names = new Set(image.list(dir) ?? []);
    for (const path of made.keys()) {
      if (path !== "/" && path.slice(0, path.lastIndexOf("/")) === prefix)
        names.add(path.slice(prefix.length + 1));
    }
    for (const name of [...names].sort()) {
      const path = `${prefix}/${name}`;
      const point = made.get(path);
      if (point?.kind === "dir") {
        out.push({ kind: "dir", path, mode: point.mode });
        fill(path);
      } else if (point !== undefined) {
        out.push({ kind: "file", path });
      } else {
        const entry = image.lstat(path);
        if (entry?.kind === "symlink") out.push({ kind: "symlink", path, link: entry.link ?? "" });
        else if (entry !== undefined) out.push({ kind: "bind", path, isDir: entry.kind === "dir" });
      }
    }
  };
  out.push({ kind: "dir", path: "/", mode: made.get("/")?.mode ?? 0o755 });
  fill("/");
  return out;
}
