import { type ByteSource, sliceSource, viewOf } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import type { FileEntry, FileView } from "../../base/file-view.ts";
import { decodeOsText, encodeOsText } from "../../base/os-text.ts";
import { findEntry, listNames } from "./directory.ts";
import { DataReader, tableBlock } from "./file-data.ts";
import { type DirInode, type FileInode, type Inode, readInode } from "./inode.ts";
import { type Decompress, MetadataReader } from "./metadata.ts";
import { readSuperblock, type Superblock } from "./superblock.ts";
import { readXattrs } from "./xattrs.ts";

const DEFAULT_LIMIT = 16 * 1024 * 1024;
const IDS_PER_BLOCK = 2048;

/** An entry of a packed tree; `special` is the device number "major:minor" of a character or block device. */
export interface PackedEntry extends FileEntry {
  readonly special?: string;
}

/**
 * A SquashFS image as a tree of files. Blocks are unpacked when needed and a bounded number is kept,
 * so a launch reads only what it asks for.
 *
 * - `source`: the image from its superblock on; it may be longer than the file system.
 * - `device`: first part of every `id`, so that files of different images differ.
 *
 * Throws a Fault `invalid` at once for a bad superblock, later for damage where it is met.
 */
export class SquashfsTree implements FileView {
  readonly superblock: Superblock;
  readonly #source: ByteSource;
  readonly #metadata: MetadataReader;
  readonly data: DataReader;
  readonly #device: string;
  readonly #dirs = new Map<string, DirInode | undefined>();
  readonly #ids = new Map<number, number>();

  constructor(source: ByteSource, decompress: Decompress, device: string = "squashfs") {
    this.superblock = readSuperblock(source);
    const { compression, usedBytes } = this.superblock;
    this.#source = sliceSource(source, 0, usedBytes);
    this.#metadata = new MetadataReader(this.#source, compression, decompress);
    this.data = new DataReader(this.#source, this.superblock, this.#metadata, decompress);
    this.#device = device;
  }

  lstat(path: string): PackedEntry | undefined {
    const inode = this.#find(path);
    if (inode === undefined) return undefined;
    const entry = {
      kind: inode.kind,
      mode: inode.mode,
      uid: this.#id(inode.uidIndex),
      gid: this.#id(inode.gidIndex),
      sizeBytes: inode.kind === "file" ? inode.sizeBytes : 0,
      id: `${this.#device}:${inode.number}`,
    };
    if (inode.kind === "symlink") {
      return { ...entry, sizeBytes: inode.text.length, link: decodeOsText(inode.text) };
    }
    return inode.kind === "char" || inode.kind === "block"
      ? { ...entry, special: inode.special }
      : entry;
  }

  list(path: string): readonly string[] | undefined {
    const dir = this.#dir(path);
    return dir && listNames(this.#metadata, this.superblock.directoryTable, dir);
  }

  read(path: string, limitBytes: number = DEFAULT_LIMIT): Uint8Array | undefined {
    const inode = this.file(path);
    return inode === undefined || inode.sizeBytes > limitBytes ? undefined : this.data.read(inode);
  }

  /** A regular file by path; its content is to be had through `data`. */
  file(path: string): FileInode | undefined {
    const inode = this.#find(path);
    return inode?.kind === "file" ? inode : undefined;
  }

  /** The inode at a path with its owners and attributes. */
  node(path: string):
    | {
        readonly inode: Inode;
        readonly uid: number;
        readonly gid: number;
        readonly xattrs: ReadonlyMap<string, Uint8Array>;
      }
    | undefined {
    const inode = this.#find(path);
    if (inode === undefined) return undefined;
    const { uidIndex, gidIndex, xattr } = inode;
    const xattrs =
      xattr === undefined
        ? new Map<string, Uint8Array>()
        : readXattrs(this.#source, this.superblock, this.#metadata, xattr);
    return { inode, uid: this.#id(uidIndex), gid: this.#id(gidIndex), xattrs };
  }

  #find(path: string): Inode | undefined {
    if (path === "/" || path === "") return this.#root();
    const cut = path.lastIndexOf("/");
    const parent = this.#dir(path.slice(0, cut));
    return parent && this.#child(parent, path.slice(cut + 1));
  }

  #child(parent: DirInode, name: string): Inode | undefined {
    const { directoryTable, inodeTable } = this.superblock;
    const at = findEntry(this.#metadata, directoryTable, parent, encodeOsText(name));
    if (at === undefined) return undefined;
    return readInode(this.#metadata, { block: inodeTable + at.block, offset: at.offset });
  }

  /** A directory by path, or undefined; what was found is kept, as the same few are asked for again. */
  #dir(path: string): DirInode | undefined {
    if (path === "" || path === "/") return this.#root();
    if (this.#dirs.has(path)) return this.#dirs.get(path);
    const cut = path.lastIndexOf("/");
    const parent = this.#dir(path.slice(0, cut));
    const inode = parent && this.#child(parent, path.slice(cut + 1));
    const dir = inode?.kind === "dir" ? inode : undefined;
    if (this.#dirs.size > 1000) this.#dirs.clear();
    this.#dirs.set(path, dir);
    return dir;
  }

  #root(): DirInode {
    const known = this.#dirs.get("/");
    if (known !== undefined) return known;
    const { inodeTable, rootBlock, rootOffset } = this.superblock;
    const place = { block: inodeTable + rootBlock, offset: rootOffset };
    const root = readInode(this.#metadata, place);
    if (root.kind !== "dir") {
      throw new Fault("invalid", "Cannot read SquashFS image: its root is not a directory");
    }
    this.#dirs.set("/", root);
    return root;
  }

  #id(index: number): number {
    const known = this.#ids.get(index);
    if (known !== undefined) return known;
    if (index >= this.superblock.ids) {
      throw new Fault("invalid", `Cannot read SquashFS image: there is no owner number ${index}`);
    }
    const block = tableBlock(
      this.#source,
      this.superblock.idTable,
      Math.floor(index / IDS_PER_BLOCK),
    );
    const offset = (index % IDS_PER_BLOCK) * 4;
    const id = viewOf(this.#metadata.read({ block, offset }, 4)).getUint32(0, true);
    this.#ids.set(index, id);
    return id;
  }
}
