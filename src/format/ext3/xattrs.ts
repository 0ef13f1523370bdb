import { type ByteSource, viewOf } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import { decodeOsText } from "../../base/os-text.ts";
import type { ExtInode } from "./inode.ts";
import type { ExtSuperblock } from "./superblock.ts";

/*
 * Extended attributes (kernel: Documentation/filesystems/ext4/attributes.rst). In the inode, behind its fields:
 *   u32 0xea020000 · entries;  values count from the first entry
 * In a block of its own (inode: 104 u32, 118 u16 its high half):
 *   u32 0xea020000 · 28 bytes · entries;  values count from the block's start
 * Entry: u8 name length · u8 name space · u16 value offset · u32 value inode · u32 value length · u32 hash ·
 *   name, filled up to 4 bytes. Four zero bytes end the list.
 */

const MAGIC = 0xea020000;
const SPACES: Readonly<Record<number, string>> = { 1: "user.", 4: "trusted.", 6: "security." };
const INODE_BYTES = 128;
const BLOCK_HEAD_BYTES = 32;

/** The attributes of an inode in the name spaces user, trusted and security. Throws a Fault `invalid` for damage. */
export function readExtXattrs(
  source: ByteSource,
  superblock: ExtSuperblock,
  inode: ExtInode,
): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  const { blockSizeBytes, inodeBytes } = superblock;
  if (inodeBytes > INODE_BYTES + 4) {
    const bytes = source.read(inode.positionBytes, inodeBytes);
    const v = viewOf(bytes);
    const start = INODE_BYTES + v.getUint16(INODE_BYTES, true);
    if (start + 8 <= inodeBytes && v.getUint32(start, true) === MAGIC) {
      addEntries(found, bytes, start + 4, start + 4);
    }
  }
  if (inode.xattrBlock !== 0) {
    const bytes = source.read(inode.xattrBlock * blockSizeBytes, blockSizeBytes);
    if (viewOf(bytes).getUint32(0, true) !== MAGIC) throw damaged(inode);
    addEntries(found, bytes, BLOCK_HEAD_BYTES, 0);
  }
  return found;

  function addEntries(
    into: Map<string, Uint8Array>,
    bytes: Uint8Array,
    first: number,
    base: number,
  ): void {
    const v = viewOf(bytes);
    for (let at = first; at + 16 <= bytes.length && v.getUint32(at, true) !== 0; ) {
      const length = v.getUint8(at);
      const space = SPACES[v.getUint8(at + 1)];
      const size = v.getUint32(at + 8, true);
      const value = base + v.getUint16(at + 2, true);
      const isInside = at + 16 + length <= bytes.length && value + size <= bytes.length;
      if (!isInside || v.getUint32(at + 4, true) !== 0) throw damaged(inode);
      if (space !== undefined) {
        const name = decodeOsText(bytes.subarray(at + 16, at + 16 + length));
        into.set(space + name, bytes.slice(value, value + size));
      }
      at += (16 + length + 3) & ~3;
    }
  }
}

function damaged({ number }: ExtInode): Fault {
  return new Fault("invalid", `Cannot read ext3 image: attributes of inode ${number} are damaged`);
}
