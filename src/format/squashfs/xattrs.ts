import { type ByteSource, viewOf } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import { decodeOsText } from "../../base/os-text.ts";
import { tableBlock } from "./file-data.ts";
import type { MetadataReader, Place } from "./metadata.ts";
import { NO_TABLE, type Superblock } from "./superblock.ts";

/*
 * Extended attributes. At the xattr table: u64 where their metadata begin · u32 number of sets · u32 unused,
 * then u64 positions of the blocks of the list of sets.
 *   set        u64 reference (block << 16 | offset) · u32 attributes · u32 bytes
 *   attribute  u16 type (name space, 0x100: the value lies elsewhere) · u16 length · name ·
 *              u32 length · value, or the u64 reference of it
 */

const SPACES: readonly string[] = ["user.", "trusted.", "security."];
const ELSEWHERE = 0x100;
const HEAD_BYTES = 16;
const SET_BYTES = 16;
const SETS_PER_BLOCK = 512;
const MAX_ATTRIBUTES = 4096;
/** XATTR_SIZE_MAX of the kernel. */
const MAX_VALUE_BYTES = 65536;

/** The attributes of set `index` of an inode, full names. Throws a Fault `invalid` for damage. */
export function readXattrs(
  source: ByteSource,
  superblock: Superblock,
  metadata: MetadataReader,
  index: number,
): ReadonlyMap<string, Uint8Array> {
  const { xattrTable } = superblock;
  if (xattrTable === NO_TABLE) throw damaged();
  const head = viewOf(source.read(xattrTable, HEAD_BYTES));
  const start = wide(head, 0);
  if (index >= head.getUint32(8, true)) throw damaged();
  const block = tableBlock(source, xattrTable + HEAD_BYTES, Math.floor(index / SETS_PER_BLOCK));
  const place = { block, offset: (index % SETS_PER_BLOCK) * SET_BYTES };
  const set = viewOf(metadata.read(place, SET_BYTES));
  const count = set.getUint32(8, true);
  if (count > MAX_ATTRIBUTES) throw damaged();
  const found = new Map<string, Uint8Array>();
  let at = placeOf(set, 0, start);
  const take = (length: number): Uint8Array => {
    const bytes = metadata.read(at, length);
    at = metadata.skip(at, length);
    return bytes;
  };
  for (let i = 0; i < count; i++) {
    const entry = viewOf(take(4));
    const type = entry.getUint16(0, true);
    const name = decodeOsText(take(entry.getUint16(2, true)));
    const length = viewOf(take(4)).getUint32(0, true);
    if (length > MAX_VALUE_BYTES) throw damaged();
    let value = take(length).slice();
    if ((type & ELSEWHERE) !== 0) {
      const far = placeOf(viewOf(value), 0, start);
      const size = viewOf(metadata.read(far, 4)).getUint32(0, true);
      if (size > MAX_VALUE_BYTES) throw damaged();
      value = metadata.read(metadata.skip(far, 4), size).slice();
    }
    const space = SPACES[type & 0xff];
    if (space !== undefined) found.set(space + name, value);
  }
  return found;
}

/** The place that a reference names. */
function placeOf(v: DataView, at: number, start: number): Place {
  if (v.byteLength < at + 8) throw damaged();
  const block = v.getUint16(at + 2, true) + v.getUint32(at + 4, true) * 0x10000;
  return { block: start + block, offset: v.getUint16(at, true) };
}

function wide(v: DataView, at: number): number {
  return v.getUint32(at + 4, true) * 0x100000000 + v.getUint32(at, true);
}

function damaged(): Fault {
  return new Fault("invalid", "Cannot read SquashFS image: its extended attributes are damaged");
}
