import type { FileView } from "../../../base/file-view.ts";
import { encodeOsText } from "../../../base/os-text.ts";
import type { TarEntry } from "../../tar/tar-entry.ts";
import { impliedDirectory, type MergedNode } from "./merged-node.ts";

/**
 * Attributes by which overlays know a directory that hides all below it: the first one is what the peer
 * writes and root's overlay reads, the second one that of a user namespace. Nobody there can write into
 * such a directory, as its copy would need the first one: so they are used only where it is not known
 * what is hidden.
 */
const OPAQUE_ATTRIBUTES: readonly string[] = ["trusted.overlay.opaque", "user.overlay.opaque"];

/**
 * Marks of removal in a layer that stays a layer of its own, as the kernel's overlay has them: a
 * character device 0:0 for what is gone, an attribute for a directory that hides what is below it
 * (kernel: filesystems/overlayfs.rst). They act on lower layers only: what their own layer has under
 * the same name stays.
 */
export class KeptMarks {
  readonly opaque: Set<MergedNode> = new Set();
  readonly #gone: Set<MergedNode> = new Set();

  /** Notes that lower layers' `name` is gone. */
  remove(parent: MergedNode, name: string, mtimeSeconds: number): void {
    const own = parent.children?.get(name);
    if (own !== undefined) {
      if (own.children !== undefined) this.opaque.add(own);
      return;
    }
    const mark: MergedNode = {
      ...impliedDirectory(mtimeSeconds),
      kind: "char",
      mode: 0,
      children: undefined,
    };
    this.#gone.add(mark);
    parent.children?.set(name, mark);
  }

  /** Called before an entry takes the place of a node. */
  replaced(before: MergedNode, kind: TarEntry["kind"]): void {
    if (kind !== "dir") this.opaque.delete(before);
  }

  /** Called when a node has taken the place of another one: a directory over a mark hides what the mark hid. */
  covered(before: MergedNode, made: MergedNode): void {
    if (this.#gone.delete(before) && made.children !== undefined) this.opaque.add(made);
  }

  /**
   * Says of each directory that hides what is below it what that is; once, when the layer is whole.
   *
   * @param root of the layer.
   * @param lower what the layers below it show; absent: not known.
   */
  finish(root: MergedNode, lower: FileView | undefined): void {
    if (this.opaque.size === 0) return;
    if (lower !== undefined) {
      this.#name(root, "", lower, false);
      return;
    }
    const yes = encodeOsText("y");
    for (const node of this.opaque) {
      const added = OPAQUE_ATTRIBUTES.map((name) => [name, yes] as const);
      node.xattrs = new Map([...node.xattrs, ...added]);
    }
  }

  /** Adds marks for all that `lower` has in directories that hide it. */
  #name(node: MergedNode, path: string, lower: FileView, hides: boolean): void {
    const { children } = node;
    if (children === undefined) return;
    const isOpaque = hides || this.opaque.has(node);
    for (const [name, child] of [...children]) {
      const at = `${path}/${name}`;
      if (child.kind === "dir") this.#name(child, at, lower, isOpaque);
    }
    if (!isOpaque || lower.lstat(path === "" ? "/" : path)?.kind !== "dir") return;
    for (const name of lower.list(path === "" ? "/" : path) ?? []) {
      if (!children.has(name)) this.remove(node, name, node.mtimeSeconds);
    }
  }
}
