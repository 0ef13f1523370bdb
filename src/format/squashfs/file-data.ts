import type { ByteSource } from "../../base/byte-source.ts";
import { viewOf } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import type { FileInode } from "./inode.ts";
import type { Decompress, MetadataReader } from "./metadata.ts";
import type { Superblock } from "./superblock.ts";

/*
 * A file is whole blocks one after another from `start`, then a tail in a fragment block that many
 * files share. A block's length word: bit 24 stored as it is, low 24 bits the length on disk, 0 a hole.
 * Fragment table: u64 positions of metadata blocks, each with 512 entries of
 * u64 start · u32 length word · u32 unused.
 */

const STORED = 0x1000000;
const ENTRIES_PER_BLOCK = 512;
const ENTRY_BYTES = 16;
/** Small files that lie together share a fragment; a launch needs those of two directories. */
const CACHED_FRAGMENTS = 4;

/** Reads file contents of one image, keeping the latest fragments unpacked. */
export class DataReader {
  readonly #source: ByteSource;
  readonly #superblock: Superblock;
  readonly #metadata: MetadataReader;
  readonly #decompress: Decompress;
  readonly #fragments = new Map<number, Uint8Array>();

  constructor(
    source: ByteSource,
    superblock: Superblock,
    metadata: MetadataReader,
    decompress: Decompress,
  ) {
    this.#source = source;
    this.#superblock = superblock;
    this.#metadata = metadata;
    this.#decompress = decompress;
  }

  /** The whole content; the caller has bounded `file.sizeBytes`. Throws a Fault `invalid` for damage. */
  read(file: FileInode): Uint8Array {
    const { blockSize, blocks, tailBytes } = this.layout(file);
    if (blocks === 0) return this.tail(file, tailBytes).slice();

    const words = this.lengthWords(file, blocks);
    const out = new Uint8Array(file.sizeBytes);
    let at = file.start;
    for (let i = 0; i < blocks; i++) {
      const word = words.getUint32(i * 4, true);
      const wanted = Math.min(blockSize, file.sizeBytes - i * blockSize);
      const length = word & (STORED - 1);
      if (length === 0) continue;
      const bytes = this.block(at, word);
      if (bytes.length !== wanted) throw damaged(at);
      out.set(bytes, i * blockSize);
      at += length;
    }
    if (tailBytes > 0) out.set(this.tail(file, tailBytes), blocks * blockSize);
    return out;
  }

  /** How many whole blocks a file has, their size, and the bytes of its tail. */
  layout(file: FileInode): {
    readonly blockSize: number;
    readonly blocks: number;
    readonly tailBytes: number;
  } {
    const blockSize = this.#superblock.blockSizeBytes;
    const hasTail = file.fragment !== undefined;
    const share = file.sizeBytes / blockSize;
    const blocks = hasTail ? Math.floor(share) : Math.ceil(share);
    return { blockSize, blocks, tailBytes: hasTail ? file.sizeBytes - blocks * blockSize : 0 };
  }

  /** The length words of a file's blocks, u32 each. */
  lengthWords(file: FileInode, blocks: number): DataView {
    return viewOf(this.#metadata.read(file.blocksPlace, blocks * 4));
  }

  /** The last `length` bytes of a file, in the fragment that it shares. */
  tail(file: FileInode, length: number): Uint8Array {
    if (length === 0 || file.fragment === undefined) return new Uint8Array(0);
    const fragment = this.#fragment(file.fragment);
    const end = file.fragmentOffset + length;
    if (end > fragment.length) throw damaged(file.fragmentOffset);
    return fragment.subarray(file.fragmentOffset, end);
  }

  #fragment(index: number): Uint8Array {
    const known = this.#fragments.get(index);
    if (known !== undefined) return known;
    const { fragments, fragmentTable } = this.#superblock;
    if (index >= fragments || fragmentTable < 0) throw damaged(index);
    const block = tableBlock(this.#source, fragmentTable, Math.floor(index / ENTRIES_PER_BLOCK));
    const offset = (index % ENTRIES_PER_BLOCK) * ENTRY_BYTES;
    const v = viewOf(this.#metadata.read({ block, offset }, ENTRY_BYTES));
    const start = v.getUint32(4, true) * 0x100000000 + v.getUint32(0, true);
    const bytes = this.block(start, v.getUint32(8, true));
    if (this.#fragments.size >= CACHED_FRAGMENTS) {
      const oldest = this.#fragments.keys().next();
      if (!oldest.done) this.#fragments.delete(oldest.value);
    }
    this.#fragments.set(index, bytes);
    return bytes;
  }

  /** The block at a position of the image with that length word, unpacked. Throws a Fault `invalid` for damage. */
  block(position: number, word: number): Uint8Array {
    const limit = this.#superblock.blockSizeBytes;
    const length = word & (STORED - 1);
    if (length === 0 || length > limit) throw damaged(position);
    const stored = this.#source.read(position, length);
    if ((word & STORED) !== 0) return stored.slice();
    const bytes = this.#decompress(this.#superblock.compression, stored, limit);
    if (bytes === undefined || bytes.length > limit) throw damaged(position);
    return bytes;
  }
}

/** Position of metadata block `index` of a table that ends with a list of u64 positions at `list`. */
export function tableBlock(source: ByteSource, list: number, index: number): number {
  const v = viewOf(source.read(list + index * 8, 8));
  return v.getUint32(4, true) * 0x100000000 + v.getUint32(0, true);
}

function damaged(position: number): Fault {
  return new Fault("invalid", `Cannot read SquashFS image: the data at ${position} is damaged`, {
    hint: "fetch or build the image again",
  });
}
