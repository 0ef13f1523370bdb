import { type ByteSource, viewOf } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import type { FileEntry, FileView } from "../../base/file-view.ts";
import { decodeOsText, sortOsText } from "../../base/os-text.ts";
import { extFileSource, readExtData } from "./block-map.ts";
import { type ExtInode, ROOT_INODE, readExtInode } from "./inode.ts";
import { type ExtSuperblock, readExtSuperblock } from "./superblock.ts";
import { readExtXattrs } from "./xattrs.ts";

const DEFAULT_LIMIT = 16 * 1024 * 1024;
const MAX_DIR_BYTES = 32 * 1024 * 1024;
const MAX_LINK_BYTES = 65536;
const CACHED_DIRS = 200;

/** An entry of an ext image; `special` is the device number "major:minor" of a character or block device. */
export interface ExtEntry extends FileEntry {
  readonly special?: string;
}

/** Names of one directory with their inode numbers. */
type Names = ReadonlyMap<string, number>;

/**
 * An ext2, ext3 or ext4 image as a tree of files, read in place. The journal is not replayed: an
 * image that was not unmounted shows what had reached its places. `device` begins every `id`.
 * Throws a Fault at once for a bad superblock, later for damage where it is met.
 */
export class ExtTree implements FileView {
  readonly superblock: ExtSuperblock;
  readonly #source: ByteSource;
  readonly #device: string;
  readonly #dirs = new Map<string, Names | undefined>();

  constructor(source: ByteSource, device: string = "ext3") {
    this.superblock = readExtSuperblock(source);
    this.#source = source;
    this.#device = device;
  }

  lstat(path: string): ExtEntry | undefined {
    const inode = this.#find(path);
    if (inode === undefined) return undefined;
    const entry = {
      kind: inode.kind,
      mode: inode.mode,
      uid: inode.uid,
      gid: inode.gid,
      sizeBytes: inode.kind === "dir" ? 0 : inode.sizeBytes,
      id: `${this.#device}:${inode.number}`,
    };
    if (inode.kind === "symlink") return { ...entry, link: this.#linkText(inode) };
    return inode.special === undefined ? entry : { ...entry, special: inode.special };
  }

  list(path: string): readonly string[] | undefined {
    const names = this.#names(path);
    return names && sortOsText([...names.keys()]);
  }

  read(path: string, limitBytes: number = DEFAULT_LIMIT): Uint8Array | undefined {
    const inode = this.#find(path);
    if (inode?.kind !== "file" || inode.sizeBytes > limitBytes) return undefined;
    return readExtData(this.#source, this.superblock, inode);
  }

  /** The inode at a path with its attributes. */
  node(
    path: string,
  ): { readonly inode: ExtInode; readonly xattrs: ReadonlyMap<string, Uint8Array> } | undefined {
    const inode = this.#find(path);
    if (inode === undefined) return undefined;
    return { inode, xattrs: readExtXattrs(this.#source, this.superblock, inode) };
  }

  /** Content of a regular file, to be read in ranges. */
  content(inode: ExtInode): ByteSource {
    return extFileSource(this.#source, this.superblock, inode);
  }

  #find(path: string): ExtInode | undefined {
    const number = this.#number(path);
    return number === undefined ? undefined : readExtInode(this.#source, this.superblock, number);
  }

  #number(path: string): number | undefined {
    if (path === "" || path === "/") return ROOT_INODE;
    const cut = path.lastIndexOf("/");
    return this.#names(path.slice(0, cut))?.get(path.slice(cut + 1));
  }

  /** Names of a directory; undefined for what is none. The latest ones are kept. */
  #names(path: string): Names | undefined {
    const key = path === "/" ? "" : path;
    if (this.#dirs.has(key)) return this.#dirs.get(key);
    const inode = this.#find(key);
    const names = inode?.kind === "dir" ? this.#readDir(inode) : undefined;
    if (this.#dirs.size >= CACHED_DIRS) this.#dirs.clear();
    this.#dirs.set(key, names);
    return names;
  }

  /** Entries:  u32 inode · u16 record length · u8 name length · u8 type · name. Index blocks look like one unused entry. */
  #readDir(inode: ExtInode): Names {
    if (inode.sizeBytes > MAX_DIR_BYTES) {
      throw broken(`a directory of ${inode.sizeBytes} bytes is not possible`);
    }
    const bytes = readExtData(this.#source, this.superblock, inode);
    const v = viewOf(bytes);
    const names = new Map<string, number>();
    const block = this.superblock.blockSizeBytes;
    for (let at = 0; at + 8 <= bytes.length; ) {
      const number = v.getUint32(at, true);
      const stored = v.getUint16(at + 4, true);
      // With 64 KiB blocks a record of a whole block does not fit 16 bits.
      const length = stored === 0 || stored === 0xffff ? block - (at % block) : stored;
      const nameEnd = at + 8 + (bytes[at + 6] ?? 0);
      if (length < 8 || at + length > bytes.length || nameEnd > at + length) {
        throw broken(`the directory with inode ${inode.number} is damaged`);
      }
      if (number !== 0) addName(names, decodeOsText(bytes.subarray(at + 8, nameEnd)), number);
      at += length;
    }
    return names;
  }

  #linkText(inode: ExtInode): string {
    const { sizeBytes } = inode;
    if (sizeBytes > MAX_LINK_BYTES) {
      throw broken(`a symbolic link of ${sizeBytes} bytes is not possible`);
    }
    // Text of less than 60 bytes lies in the block map itself.
    const isFast = sizeBytes < inode.map.length && inode.mapKind === "blocks";
    const bytes = isFast
      ? inode.map.subarray(0, sizeBytes)
      : readExtData(this.#source, this.superblock, inode);
    return decodeOsText(bytes);
  }
}

function addName(names: Map<string, number>, name: string, number: number): void {
  if (name === "." || name === "..") return;
  if (name === "" || name.includes("/") || name.includes("\0")) {
    throw broken("a directory has an entry with a name no file can have");
  }
  names.set(name, number);
}

function broken(reason: string): Fault {
  return new Fault("invalid", `Cannot read ext3 image: ${reason}`);
}
