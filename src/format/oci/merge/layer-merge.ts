import { Fault } from "../../../base/fault.ts";
import type { TarEntry } from "../../tar/tar-entry.ts";
import { cleanName } from "./_clean-name.ts";
import { OPAQUE, WHITEOUT } from "./_marks.ts";
import { type Way, walkTo } from "./_walk.ts";
import type { KeptMarks } from "./kept-marks.ts";
import { impliedDirectory, type MergedNode, nodeOf, storableXattrs } from "./merged-node.ts";

/** One entry needs about 500 bytes of memory. */
export const MAX_ENTRIES = 8_000_000;

/** Largest device numbers of SquashFS and the kernel. */
const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xfffff;

/**
 * The root file system that layers make when they are unpacked over one another, bottom first (OCI
 * image-spec, layer.md; reference: oci.md section 6), as a tree in memory that holds no content.
 *
 *   merge.beginLayer("layer sha256:…"); merge.add(entry, 0); merge.add(entry, 1); …
 *   merge.beginLayer("layer sha256:…"); …
 *
 * Where layers use more than the specification says, they are taken as unpacking with the usual tools
 * takes them: parents that are symbolic links are followed inside the root, missing parents are made,
 * what is in the way is removed, and marks of removal never touch what their own layer has written.
 * Absolute names begin at the root, as several image builders write them.
 *
 * Attributes that no SquashFS can hold, and labels of the machine that made the layer, are left out.
 */
export class LayerMerge {
  readonly root: MergedNode;
  /** Entries so far, of all layers. */
  entries = 0;
  readonly #impliedTime: number;
  #where = "";
  #layer = -1;
  /** Names that the current layer has written, with all their parents, by directory. */
  #written = new Map<MergedNode, Set<string>>();
  readonly #marks: KeptMarks | undefined;

  /**
   * @param impliedTime of directories that no entry describes, in seconds since 1970.
   * @param marks given for one layer alone, to be laid over others later: its marks of removal stay.
   */
  constructor(impliedTime: number, marks?: KeptMarks) {
    this.#impliedTime = impliedTime;
    this.root = impliedDirectory(impliedTime);
    this.#marks = marks;
  }

  /** @param where the layer in messages: `layer sha256:…`. */
  beginLayer(where: string): void {
    this.#where = where;
    this.#layer++;
    this.#written = new Map();
  }

  /**
   * Takes the next entry of the layer; gives the file it makes with its path in the root, for callers
   * that keep some contents. Throws a Fault `invalid` that names layer and entry.
   */
  add(
    given: TarEntry,
    ordinal: number,
  ): { readonly node: MergedNode; readonly path: string } | undefined {
    const entry = this.#marks?.plain(given) ?? given;
    if (++this.entries > MAX_ENTRIES)
      throw this.#fault(entry, `there are more than ${MAX_ENTRIES}`);
    const parts = cleanName(entry.path);
    if (typeof parts === "string") throw this.#fault(entry, parts);
    const name = parts.pop();
    if (name === undefined) {
      this.#describeRoot(entry);
      return undefined;
    }
    if (name.startsWith(WHITEOUT)) {
      this.#whiteout(entry, parts, name);
      return undefined;
    }
    if (entry.major > MAX_MAJOR || entry.minor > MAX_MINOR || entry.major < 0 || entry.minor < 0) {
      throw this.#fault(entry, `no device has the numbers ${entry.major}:${entry.minor}`);
    }
    const way = this.#walk(entry, parts);
    const parent = way.dirs[way.dirs.length - 1] ?? this.root;
    const node = this.#place(entry, ordinal, parent, name);
    this.#noteWritten(way, name);
    return { node, path: `/${[...way.names, name].join("/")}` };
  }

  #place(entry: TarEntry, ordinal: number, parent: MergedNode, name: string): MergedNode {
    const before = parent.children?.get(name);
    if (before !== undefined) this.#marks?.replaced(before, entry.kind);
    if (entry.kind === "hardlink") {
      const target = this.#linkTarget(entry);
      parent.children?.set(name, target);
      return target;
    }
    const made = nodeOf({ ...entry, kind: entry.kind }, this.#layer, ordinal);
    if (made.children !== undefined && before?.children !== undefined) {
      // A directory keeps what is in it and its place in `#written`.
      return Object.assign(before, { ...made, children: before.children, serial: before.serial });
    }
    parent.children?.set(name, made);
    if (before !== undefined) this.#marks?.covered(before, made);
    return made;
  }

  /** The file of a hard link: its parents resolved, itself not. */
  #linkTarget(entry: TarEntry): MergedNode {
    const parts = cleanName(entry.link);
    if (typeof parts === "string") throw this.#fault(entry, `its target "${entry.link}": ${parts}`);
    const name = parts.pop() ?? "";
    const way = walkTo(this.root, parts, { make: undefined });
    if (typeof way === "string") throw this.#fault(entry, way);
    const node = way?.dirs[way.dirs.length - 1]?.children?.get(name);
    if (node === undefined) {
      const where = this.#marks === undefined ? "" : " in this layer; leave --keep-layers out";
      throw this.#fault(
        entry,
        `it is a hard link to "${entry.link}", which does not exist${where}`,
      );
    }
    if (node.kind === "dir") {
      throw this.#fault(entry, `it is a hard link to "${entry.link}", which is a directory`);
    }
    return node;
  }

  #describeRoot(entry: TarEntry): void {
    if (entry.kind !== "dir") throw this.#fault(entry, "it would replace the root itself");
    const { mode, uid, gid, mtimeSeconds } = entry;
    Object.assign(this.root, {
      mode,
      uid,
      gid,
      mtimeSeconds,
      xattrs: storableXattrs(entry.xattrs),
      layer: this.#layer,
    });
  }

  #whiteout(entry: TarEntry, parts: readonly string[], name: string): void {
    if (this.#marks !== undefined) {
      this.#keepMark(this.#marks, entry, parts, name);
      return;
    }
    const way = walkTo(this.root, parts, { make: undefined });
    if (typeof way === "string") throw this.#fault(entry, way);
    const parent = way?.dirs[way.dirs.length - 1];
    if (name === OPAQUE) {
      if (parent !== undefined) this.#clear(parent);
      return;
    }
    const gone = this.#removedName(entry, name);
    if (parent !== undefined) this.#remove(parent, gone);
  }

  #removedName(entry: TarEntry, name: string): string {
    const gone = name.slice(WHITEOUT.length);
    if (gone !== "" && gone !== "." && gone !== "..") return gone;
    throw this.#fault(entry, "it marks nothing that could be removed");
  }

  #keepMark(marks: KeptMarks, entry: TarEntry, parts: readonly string[], name: string): void {
    let isHidden = false;
    const way = walkTo(this.root, parts, {
      make: (parent, part) => {
        const made = impliedDirectory(this.#impliedTime);
        // What the layer itself has there hides more than the mark.
        isHidden ||= parent.children?.has(part) === true;
        if (!isHidden) parent.children?.set(part, made);
        return made;
      },
    });
    if (typeof way === "string") throw this.#fault(entry, way);
    if (isHidden) return;
    const parent = way?.dirs[way.dirs.length - 1] ?? this.root;
    if (name === OPAQUE) marks.opaque.add(parent);
    else marks.remove(parent, this.#removedName(entry, name), entry.mtimeSeconds);
  }

  /** Removes what lower layers left under a name. */
  #remove(parent: MergedNode, name: string): void {
    const node = parent.children?.get(name);
    if (node === undefined) return;
    if (this.#written.get(parent)?.has(name) !== true) parent.children?.delete(name);
    else this.#clear(node);
  }

  /** Removes what lower layers left in a directory. */
  #clear(directory: MergedNode): void {
    for (const name of [...(directory.children?.keys() ?? [])]) this.#remove(directory, name);
  }

  #walk(entry: TarEntry, parts: readonly string[]): Way {
    const way = walkTo(this.root, parts, {
      make: (parent, name) => {
        const made = impliedDirectory(this.#impliedTime);
        const before = parent.children?.get(name);
        if (before !== undefined) this.#marks?.covered(before, made);
        parent.children?.set(name, made);
        return made;
      },
    });
    if (typeof way === "string") throw this.#fault(entry, way);
    return way ?? { dirs: [this.root], names: [] };
  }

  #noteWritten(way: Way, name: string): void {
    let written = name;
    for (let i = way.dirs.length - 1; i >= 0; i--) {
      const directory = way.dirs[i] ?? this.root;
      const names = this.#written.get(directory);
      // What is written has its parents written too.
      if (names?.has(written) === true) return;
      if (names === undefined) this.#written.set(directory, new Set([written]));
      else names.add(written);
      written = way.names[i - 1] ?? "";
    }
  }

  #fault(entry: TarEntry, why: string): Fault {
    return new Fault("invalid", `Cannot use the ${this.#where}, at "${entry.path}": ${why}`, {
      hint: "the image is damaged or hostile; fetch or make it again",
    });
  }
}
