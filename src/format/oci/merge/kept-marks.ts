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

/** Notes of overlays to themselves; what they say is of the overlay that wrote them. */
export const OVERLAY_NOTE: RegExp = /^(?:(?:trusted|user)\.overlay|user\.fuseoverlayfs)\./;

/**
 * Marks of removal in a layer that stays a layer of its own, as the kernel's overlay has them: a
 * character device 0:0 for what is gone, an attribute for a directory that hides what is below it
 * (kernel: filesystems/overlayfs.rst). They act on lower layers only: what their own layer has under
 * the same name stays.
 */
export class KeptMarks {
  readonly opaque: Set<MergedNode> = new Set();
  readonly #gone: Set<MergedNode> = new Set();

  /** An entry without what an overlay would take for marks: in an archive those are names alone. */
  plain(entry: TarEntry): TarEntry {
    if (entry.xattrs.size === 0) return entry;
    const kept = [...entry.xattrs].filter(([name]) => !OVERLAY_NOTE.test(name));
    return { ...entry, xattrs: new Map(kept) };
  }

  /** Notes that lower layers' `name` is gone. */
  remove(parent: MergedNode, name: string, mtimeSeconds: number): void {
    const own = parent.children?.get(name);
    if (own !== undefined && !this.#isBare(own)) {
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

  /** Whether the layer has a node only on the way to marks. */
  #isBare(node: MergedNode): boolean {
    if (this.#gone.has(node)) return true;
    return (
      isImplied(node) && [...(node.children?.values() ?? [])].every((one) => this.#isBare(one))
    );
  }

  /** Called before an entry takes the place of a node. */
  replaced(before: MergedNode, kind: TarEntry["kind"]): void {
    if (kind !== "dir") this.opaque.delete(before);
  }

  /** Called when a node has taken the place of another one: a directory over what is none hides what that hid. */
  covered(before: MergedNode, made: MergedNode): void {
    this.#gone.delete(before);
    if (before.children === undefined && made.children !== undefined) this.opaque.add(made);
  }

  /**
   * Fits the layer to what is below it; once, when it is whole. Of each directory that hides what is
   * below it is said what that is; marks of what is not there go; and directories that no entry
   * describes are what they are below.
   *
   * @param root of the layer.
   * @param lower what the layers below it show; absent: not known.
   */
  finish(root: MergedNode, lower: FileView | undefined): void {
    if (lower !== undefined) {
      this.#fit(root, "", lower, false);
      return;
    }
    const yes = encodeOsText("y");
    for (const node of this.opaque) {
      const added = OPAQUE_ATTRIBUTES.map((name) => [name, yes] as const);
      node.xattrs = new Map([...node.xattrs, ...added]);
    }
  }

  #fit(node: MergedNode, path: string, lower: FileView, hides: boolean): void {
    const { children } = node;
    if (children === undefined) return;
    const isOpaque = hides || this.opaque.has(node);
    const below = lower.lstat(path === "" ? "/" : path);
    if (isImplied(node) && below?.kind === "dir") {
      const { gid, mode, uid } = below;
      Object.assign(node, { gid, mode, uid });
    }
    for (const [name, child] of [...children]) {
      const at = `${path}/${name}`;
      if (this.#gone.has(child)) {
        if (lower.lstat(at) === undefined) children.delete(name);
        continue;
      }
      // Marks alone bring nothing back that is hidden.
      if (isOpaque && this.#isBare(child)) {
        children.delete(name);
        continue;
      }
      this.#fit(child, at, lower, isOpaque);
      // It was made for marks only, of what is not there.
      const isNeeded = child.children?.size !== 0 || lower.lstat(at)?.kind === "dir";
      if (isImplied(child) && !isNeeded) children.delete(name);
    }
    if (!isOpaque || below?.kind !== "dir") return;
    for (const name of lower.list(path === "" ? "/" : path) ?? []) {
      if (!children.has(name)) this.remove(node, name, node.mtimeSeconds);
    }
  }
}

/** Whether no entry describes a directory. */
function isImplied({ kind, layer }: MergedNode): boolean {
  return kind === "dir" && layer < 0;
}
