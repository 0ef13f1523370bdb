import type { ByteSource } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import type { CompressionName } from "./superblock.ts";

/**
 * Unpacks one block. Gives at most `limitBytes`, or `undefined` when the input is damaged or longer
 * unpacked. Throws a Fault only when the host lacks the library for this compression.
 */
export type Decompress = (
  compression: CompressionName,
  input: Uint8Array,
  limitBytes: number,
) => Uint8Array | undefined;

/** Size of a metadata block when unpacked; only the last of a table is shorter. */
export const METADATA_BYTES: number = 8192;

/** 64 blocks: 512 KiB. A launch touches about ten. */
const CACHED_BLOCKS = 64;

interface Block {
  readonly bytes: Uint8Array;
  /** Position of the block after it. */
  readonly next: number;
}

/** A place in metadata: position of a block in the image and an offset into its unpacked bytes. */
export interface Place {
  readonly block: number;
  readonly offset: number;
}

/** Reads metadata blocks, keeping the latest ones unpacked. */
export class MetadataReader {
  readonly #source: ByteSource;
  readonly #compression: CompressionName;
  readonly #decompress: Decompress;
  readonly #cache = new Map<number, Block>();

  constructor(source: ByteSource, compression: CompressionName, decompress: Decompress) {
    this.#source = source;
    this.#compression = compression;
    this.#decompress = decompress;
  }

  /** The block whose header is at a position; throws a Fault `invalid` for a damaged one. */
  block(position: number): Block {
    const known = this.#cache.get(position);
    if (known !== undefined) return known;
    // Header and longest possible block in one read: the second call costs more than spare bytes.
    const wanted = Math.min(2 + METADATA_BYTES, this.#source.sizeBytes - position);
    const read = this.#source.read(position, Math.max(wanted, 2));
    const word = (read[0] ?? 0) | ((read[1] ?? 0) << 8);
    // A length of 0 stands for 32768 in the format, which is longer than any block may be.
    const length = word & 0x7fff;
    if (length === 0 || length + 2 > read.length) throw damaged(position);
    const stored = read.subarray(2, 2 + length);
    const bytes =
      (word & 0x8000) !== 0 ? stored : this.#decompress(this.#compression, stored, METADATA_BYTES);
    if (bytes === undefined || bytes.length === 0 || bytes.length > METADATA_BYTES) {
      throw damaged(position);
    }
    const block = { bytes, next: position + 2 + length };
    if (this.#cache.size >= CACHED_BLOCKS) {
      const oldest = this.#cache.keys().next();
      if (!oldest.done) this.#cache.delete(oldest.value);
    }
    this.#cache.set(position, block);
    return block;
  }

  /** `length` bytes from a place, across blocks where needed; the result may be a view on the cache. */
  read(place: Place, length: number): Uint8Array {
    let block = this.block(place.block);
    let at = place.offset;
    if (at + length <= block.bytes.length) return block.bytes.subarray(at, at + length);
    const out = new Uint8Array(length);
    let filled = 0;
    for (;;) {
      const part = block.bytes.subarray(at, at + length - filled);
      if (at > block.bytes.length) throw damaged(place.block);
      out.set(part, filled);
      filled += part.length;
      if (filled === length) return out;
      block = this.block(block.next);
      at = 0;
    }
  }

  /** The place `count` bytes further on. */
  skip(place: Place, count: number): Place {
    let { block, offset } = place;
    offset += count;
    for (;;) {
      const here = this.block(block);
      if (offset < here.bytes.length) return { block, offset };
      // Exactly at the end: the next block may not exist, so leave it until something is read.
      if (offset === here.bytes.length) return { block, offset };
      offset -= here.bytes.length;
      block = here.next;
    }
  }
}

function damaged(position: number): Fault {
  return new Fault(
    "invalid",
    `Cannot read SquashFS image: the metadata block at ${position} is damaged`,
    { hint: "fetch or build the image again" },
  );
}
