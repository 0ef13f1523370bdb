import { type ByteSource, viewOf } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import type { FileKind } from "../../base/file-view.ts";
import type { ExtSuperblock } from "./superblock.ts";

/*
 * An inode:  0 u16 mode · 2 u16 uid · 4 u32 size · 16 u32 modified · 24 u16 gid · 26 u16 links ·
 *  32 u32 flags · 40 block map (60 bytes) · 104 u32 attribute block · 108 u32 size, high half ·
 *  118 u16 attribute block, high half · 120 u16 uid, high half · 122 u16 gid, high half
 * The block map is, by flags: 12 direct blocks and one each of single, double and triple indirect;
 * an extent tree; the data itself. A short symbolic link has its text there.
 */

export const ROOT_INODE: number = 2;
const MAP_OFFSET = 40;
const MAP_BYTES = 60;
const FLAG_EXTENTS = 0x80000;
const FLAG_INLINE = 0x10000000;
const FLAG_ENCRYPTED = 0x800;

const KINDS: Readonly<Record<number, FileKind>> = {
  1: "fifo",
  2: "char",
  4: "dir",
  6: "block",
  8: "file",
  10: "symlink",
  12: "socket",
};

export interface ExtInode {
  readonly number: number;
  readonly kind: FileKind;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly map: Uint8Array;
  readonly mapKind: "blocks" | "extents" | "inline";
  /** "major:minor" of a device. */
  readonly special: string | undefined;
  /** Seconds since 1970. */
  readonly modifiedSeconds: number;
  readonly links: number;
  /** Where it lies in the image. */
  readonly positionBytes: number;
  /** Block with further extended attributes; 0: none. */
  readonly xattrBlock: number;
}

/** Reads an inode by number (from 1). Throws a Fault `invalid` for one that does not exist or has no type. */
export function readExtInode(
  source: ByteSource,
  superblock: ExtSuperblock,
  number: number,
): ExtInode {
  const { inodes, inodesPerGroup, inodeBytes, blockSizeBytes, groupTable, groupBytes } = superblock;
  if (number < 1 || number > inodes) throw broken(`there is no inode ${number}`);
  const group = Math.floor((number - 1) / inodesPerGroup);
  const descriptor = viewOf(source.read(groupTable + group * groupBytes, groupBytes));
  const high = groupBytes >= 64 ? descriptor.getUint32(40, true) : 0;
  const table = (descriptor.getUint32(8, true) + high * 0x100000000) * blockSizeBytes;
  const at = table + ((number - 1) % inodesPerGroup) * inodeBytes;
  const bytes = source.read(at, 128);
  const v = viewOf(bytes);
  const mode = v.getUint16(0, true);
  const kind = KINDS[mode >> 12];
  if (kind === undefined) throw broken(`inode ${number} has no type`);
  const flags = v.getUint32(32, true);
  if ((flags & FLAG_ENCRYPTED) !== 0) {
    throw new Fault("unsupported", `Cannot read ext3 image: inode ${number} is encrypted`);
  }
  const isDevice = kind === "char" || kind === "block";
  return {
    number,
    kind,
    mode: mode & 0o7777,
    uid: v.getUint16(2, true) + v.getUint16(120, true) * 0x10000,
    gid: v.getUint16(24, true) + v.getUint16(122, true) * 0x10000,
    sizeBytes: v.getUint32(4, true) + v.getUint32(108, true) * 0x100000000,
    map: bytes.subarray(MAP_OFFSET, MAP_OFFSET + MAP_BYTES),
    mapKind:
      (flags & FLAG_INLINE) !== 0 ? "inline" : (flags & FLAG_EXTENTS) !== 0 ? "extents" : "blocks",
    special: isDevice ? deviceText(v) : undefined,
    modifiedSeconds: v.getUint32(16, true),
    links: v.getUint16(26, true),
    positionBytes: at,
    xattrBlock: v.getUint32(104, true) + v.getUint16(118, true) * 0x100000000,
  };
}

/** The first word has the old 8+8 bit form; when it is 0 the second has the kernel's new form. */
function deviceText(v: DataView): string {
  const old = v.getUint32(MAP_OFFSET, true);
  if (old !== 0) return `${(old >>> 8) & 0xff}:${old & 0xff}`;
  const device = v.getUint32(MAP_OFFSET + 4, true);
  return `${(device >>> 8) & 0xfff}:${(device & 0xff) | ((device >>> 12) & 0xfff00)}`;
}

function broken(reason: string): Fault {
  return new Fault("invalid", `Cannot read ext3 image: ${reason}`);
}
