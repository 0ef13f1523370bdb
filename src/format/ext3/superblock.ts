import { type ByteSource, viewOf } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";

/*
 * The ext family (ext2, ext3, ext4), little-endian (kernel: Documentation/filesystems/ext4).
 *
 *   1024                  superblock
 *   next block            group descriptors: 32 bytes each, or as the superblock says
 *   anywhere              per group: block bitmap, inode bitmap, inode table; then data
 *
 * Superblock (offsets in it):  0 u32 inodes · 4 u32 blocks · 20 u32 first data block · 24 u32 log2 of
 *  block size - 10 · 32 u32 blocks per group · 40 u32 inodes per group · 56 u16 magic 0xef53 ·
 *  76 u32 revision · 88 u16 inode size · 92 u32 compatible, 96 u32 incompatible features ·
 *  254 u16 descriptor size · 336 u32 blocks, high half
 */

const SUPERBLOCK_OFFSET = 1024;
const SUPERBLOCK_BYTES = 1024;
const EXT_MAGIC = 0xef53;

const INCOMPAT_COMPRESSION = 0x1;
const INCOMPAT_RECOVER = 0x4;
const INCOMPAT_JOURNAL_DEV = 0x8;
const INCOMPAT_META_BG = 0x10;
const INCOMPAT_64BIT = 0x80;
const REFUSED = INCOMPAT_COMPRESSION | INCOMPAT_JOURNAL_DEV | INCOMPAT_META_BG;

export interface ExtSuperblock {
  readonly inodes: number;
  /** It was not unmounted: the journal has what is missing. */
  readonly needsRecovery: boolean;
  /** 1 KiB to 64 KiB. */
  readonly blockSizeBytes: number;
  readonly blocks: number;
  readonly blocksPerGroup: number;
  readonly inodesPerGroup: number;
  readonly inodeBytes: number;
  /** Byte position of the group descriptors, and the size of one. */
  readonly groupTable: number;
  readonly groupBytes: number;
}

/**
 * Reads and checks the superblock. Throws a Fault `invalid` for what is no file system of the family
 * and `unsupported` for features that change the layout beyond what is read here.
 */
export function readExtSuperblock(source: ByteSource): ExtSuperblock {
  if (source.sizeBytes < SUPERBLOCK_OFFSET + SUPERBLOCK_BYTES) {
    throw broken("it is shorter than a superblock");
  }
  const v = viewOf(source.read(SUPERBLOCK_OFFSET, SUPERBLOCK_BYTES));
  if (v.getUint16(56, true) !== EXT_MAGIC) throw broken("the magic number is missing");
  const refused = v.getUint32(96, true) & REFUSED;
  if (refused !== 0) {
    throw new Fault(
      "unsupported",
      `Cannot read ext3 image: it has the feature 0x${refused.toString(16)}, which is not supported`,
      { hint: "make it again with mke2fs -t ext3" },
    );
  }
  const log = v.getUint32(24, true);
  if (log > 6) throw broken(`a block size of 2^${log + 10} is not possible`);
  const blockSizeBytes = 1024 << log;
  const isWide = (v.getUint32(96, true) & INCOMPAT_64BIT) !== 0;
  const blocks = v.getUint32(4, true) + (isWide ? v.getUint32(336, true) * 0x100000000 : 0);
  if (blocks === 0 || (blocks - 1) * blockSizeBytes > source.sizeBytes) {
    throw broken(
      `it claims ${blocks} blocks of ${blockSizeBytes} and has ${source.sizeBytes} bytes`,
    );
  }
  const revision = v.getUint32(76, true);
  const inodeBytes = revision === 0 ? 128 : v.getUint16(88, true);
  const groupBytes = isWide ? v.getUint16(254, true) : 32;
  const inodes = v.getUint32(0, true);
  const blocksPerGroup = v.getUint32(32, true);
  const inodesPerGroup = v.getUint32(40, true);
  if (inodeBytes < 128 || inodeBytes > blockSizeBytes) {
    throw broken(`inodes of ${inodeBytes} bytes are not possible`);
  }
  if (
    groupBytes < 32 ||
    groupBytes > blockSizeBytes ||
    blocksPerGroup === 0 ||
    inodesPerGroup === 0
  ) {
    throw broken("its block groups are damaged");
  }
  return {
    inodes,
    needsRecovery: (v.getUint32(96, true) & INCOMPAT_RECOVER) !== 0,
    blockSizeBytes,
    blocks,
    blocksPerGroup,
    inodesPerGroup,
    inodeBytes,
    groupTable: (v.getUint32(20, true) + 1) * blockSizeBytes,
    groupBytes,
  };
}

function broken(reason: string): Fault {
  return new Fault("invalid", `Cannot read ext3 image: ${reason}`);
}
