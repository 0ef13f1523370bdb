import { encodeOsText } from "../../../base/os-text.ts";
import type { TarEntry } from "../../tar/tar-entry.ts";
import { impliedDirectory, type MergedNode } from "./merged-node.ts";

/**
 * Attributes by which the kernel's overlay knows a directory that hides all below it: the first one of
 * root, as the peer writes it, the second one of a user namespace.
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

  /** Writes the attributes; once, when the layer is whole. */
  finish(): void {
    const yes = encodeOsText("y");
    for (const node of this.opaque) {
      const added = OPAQUE_ATTRIBUTES.map((name) => [name, yes] as const);
      node.xattrs = new Map([...node.xattrs, ...added]);
    }
  }
}
