import type { ByteSource } from "../../base/byte-source.ts";
import { viewOf } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";

/*
 * SquashFS 4.0, little-endian (kernel: fs/squashfs/squashfs_fs.h). Positions are bytes from the
 * start of the image, which itself may lie at any offset of a file.
 *
 *   0        superblock (96 bytes)
 *   96       compressor options, when flag 0x400 is set
 *            data blocks and fragment blocks
 *            inode table       ┐ metadata: runs of [u16 header][up to 8192 bytes when unpacked];
 *            directory table   │ header bit 15: stored as it is; low 15 bits: length on disk
 *            fragment table    │ (each of these ends with a list of u64 positions, and it is
 *            export table      │  this list that the superblock points at)
 *            id table          │
 *            xattr table       ┘
 *
 * Superblock:  0 u32 magic "hsqs" · 4 u32 inodes · 8 u32 time · 12 u32 block size · 16 u32 fragments ·
 *  20 u16 compression · 22 u16 log2(block size) · 24 u16 flags · 26 u16 ids · 28 u16 4 · 30 u16 0 ·
 *  32 u64 root inode reference · 40 u64 bytes used · 48 u64 id table · 56 u64 xattr table ·
 *  64 u64 inode table · 72 u64 directory table · 80 u64 fragment table · 88 u64 export table
 */

/** Compression names as mksquashfs spells them. */
export type CompressionName = "gzip" | "lzma" | "lzo" | "xz" | "lz4" | "zstd";

const COMPRESSIONS: readonly CompressionName[] = ["gzip", "lzma", "lzo", "xz", "lz4", "zstd"];

export const SUPERBLOCK_BYTES: number = 96;
/** Position of a table that the image does not have. */
export const NO_TABLE: number = -1;

export interface Superblock {
  readonly inodes: number;
  /** Seconds since 1970. */
  readonly madeSeconds: number;
  /** 4 KiB to 1 MiB, a power of two. */
  readonly blockSizeBytes: number;
  readonly fragments: number;
  readonly compression: CompressionName;
  readonly ids: number;
  /** Metadata block of the root inode, counted from `inodeTable`, and the place in it. */
  readonly rootBlock: number;
  readonly rootOffset: number;
  /** Length of the file system; what follows in the file is padding or another object. */
  readonly usedBytes: number;
  readonly idTable: number;
  /** `NO_TABLE` when absent, as are the next ones. */
  readonly xattrTable: number;
  readonly inodeTable: number;
  readonly directoryTable: number;
  readonly fragmentTable: number;
}

/** Whether bytes begin with the magic of a little-endian SquashFS; nothing else is looked at. */
export function hasSquashfsMagic(bytes: Uint8Array): boolean {
  return bytes[0] === 0x68 && bytes[1] === 0x73 && bytes[2] === 0x71 && bytes[3] === 0x73;
}

/**
 * Reads and checks the superblock at the start of `source`. Throws a Fault `invalid` for what is no
 * SquashFS, another version, or holds positions outside the image; the message ends with the reason.
 */
export function readSuperblock(source: ByteSource): Superblock {
  if (source.sizeBytes < SUPERBLOCK_BYTES) throw broken("it is shorter than a superblock");
  const bytes = source.read(0, SUPERBLOCK_BYTES);
  const v = viewOf(bytes);
  if (!hasSquashfsMagic(bytes)) throw broken("the magic number is missing");
  const version = `${v.getUint16(28, true)}.${v.getUint16(30, true)}`;
  if (version !== "4.0") throw broken(`version ${version} is not 4.0`);

  const blockSizeBytes = v.getUint32(12, true);
  const log = v.getUint16(22, true);
  if (log < 12 || log > 20 || blockSizeBytes !== 2 ** log) {
    throw broken(`a block size of ${blockSizeBytes} (2^${log}) is not possible`);
  }
  const code = v.getUint16(20, true);
  const compression = COMPRESSIONS[code - 1];
  if (compression === undefined) throw broken(`compression ${code} is unknown`);

  const usedBytes = position(v, 40);
  if (usedBytes < SUPERBLOCK_BYTES || usedBytes > source.sizeBytes) {
    throw broken(`it claims ${usedBytes} bytes and has ${source.sizeBytes}`);
  }
  const table = (at: number, name: string): number => {
    const value = position(v, at);
    if (value === NO_TABLE && name !== "inode" && name !== "directory" && name !== "id")
      return value;
    if (value < SUPERBLOCK_BYTES || value >= usedBytes) {
      throw broken(`the ${name} table at ${value} lies outside of it`);
    }
    return value;
  };
  const inodeTable = table(64, "inode");
  const directoryTable = table(72, "directory");
  if (directoryTable <= inodeTable) throw broken("its tables are out of order");
  return {
    inodes: v.getUint32(4, true),
    madeSeconds: v.getUint32(8, true),
    blockSizeBytes,
    fragments: v.getUint32(16, true),
    compression,
    ids: v.getUint16(26, true),
    rootBlock: v.getUint16(34, true) + v.getUint32(36, true) * 0x10000,
    rootOffset: v.getUint16(32, true),
    usedBytes,
    idTable: table(48, "id"),
    xattrTable: table(56, "xattr"),
    inodeTable,
    directoryTable,
    fragmentTable: table(80, "fragment"),
  };
}

/** A u64 position; all ones is `NO_TABLE`, and what a double cannot hold becomes Infinity. */
function position(v: DataView, at: number): number {
  const low = v.getUint32(at, true);
  const high = v.getUint32(at + 4, true);
  if (low === 0xffffffff && high === 0xffffffff) return NO_TABLE;
  return high < 0x200000 ? high * 0x100000000 + low : Number.POSITIVE_INFINITY;
}

function broken(reason: string): Fault {
  return new Fault("invalid", `Cannot read SquashFS image: ${reason}`);
}
