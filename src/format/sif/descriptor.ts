import { viewOf } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import { decodeOsText, encodeOsText } from "../../base/os-text.ts";
import { DESCRIPTOR_BYTES, readSize } from "./header.ts";

/** Added to a group number where one is stored; alone it means "no group". */
export const GROUP_MASK: number = 0xf0000000;
export const NAME_BYTES: number = 128;
export const EXTRA_BYTES: number = 384;

/** One object of an image, as its table tells it; the drawing is in header.ts. */
export interface SifDescriptor {
  /** Position in the table, from 0. */
  readonly slot: number;
  /** A DATA_* code; others are kept as they are. */
  readonly dataType: number;
  /** 1 and up; the slot plus one when the writer kept to the rules. */
  readonly id: number;
  /** Stored form: `GROUP_MASK` plus the number, `GROUP_MASK` alone for none. */
  readonly group: number;
  /** Stored form: 0 none, an id, or `GROUP_MASK` plus a group. */
  readonly link: number;
  readonly offset: number;
  readonly sizeBytes: number;
  /** Size and the padding written before the object. */
  readonly paddedBytes: number;
  /** Seconds since 1970, signed. */
  readonly createdAt: bigint;
  readonly modifiedAt: bigint;
  /** Historic, written as 0, but covered by signatures: kept. */
  readonly uid: bigint;
  readonly gid: bigint;
  /** 128 and 384 bytes as stored. */
  readonly name: Uint8Array;
  readonly extra: Uint8Array;
}

/** Group number of a stored group or link; 0 for none. */
export function groupNumber(stored: number): number {
  return stored % 0x10000000;
}

/** Whether a link leads to a group instead of an object. */
export function isGroupLink(link: number): boolean {
  return link >= GROUP_MASK;
}

/** Name as text, without the NULs at its end; empty for none. */
export function descriptorName(descriptor: SifDescriptor): string {
  let end = descriptor.name.length;
  while (end > 0 && descriptor.name[end - 1] === 0) end--;
  return decodeOsText(descriptor.name.subarray(0, end));
}

/** The 128 bytes of a name. Throws a Fault `usage` when it is longer. */
export function encodeName(name: string): Uint8Array {
  const bytes = encodeOsText(name);
  if (bytes.length > NAME_BYTES) {
    throw new Fault("usage", `Cannot name an object "${name}": at most ${NAME_BYTES} bytes`);
  }
  const out = new Uint8Array(NAME_BYTES);
  out.set(bytes);
  return out;
}

/**
 * Reads the slot that begins at `at` of the table; `undefined` for a free one. Throws a Fault
 * `invalid` for negative sizes and offsets, and for the id 0.
 */
export function decodeDescriptor(
  table: Uint8Array,
  at: number,
  slot: number,
): SifDescriptor | undefined {
  if (table[at + 4] === 0) return undefined;
  const v = viewOf(table.subarray(at, at + DESCRIPTOR_BYTES));
  const id = v.getUint32(5, true);
  if (id === 0) {
    throw new Fault("invalid", `Cannot read SIF image: descriptor ${slot + 1} has no object id`);
  }
  const what = (field: string): string => `${field} of object ${id}`;
  return {
    slot,
    dataType: v.getInt32(0, true),
    id,
    group: v.getUint32(9, true),
    link: v.getUint32(13, true),
    offset: readSize(v, 17, what("offset")),
    sizeBytes: readSize(v, 25, what("size")),
    paddedBytes: readSize(v, 33, what("padded size")),
    createdAt: v.getBigInt64(41, true),
    modifiedAt: v.getBigInt64(49, true),
    uid: v.getBigInt64(57, true),
    gid: v.getBigInt64(65, true),
    name: table.slice(at + 73, at + 201),
    extra: table.slice(at + 201, at + DESCRIPTOR_BYTES),
  };
}

/** The 585 bytes of a used slot. */
export function encodeDescriptor(d: SifDescriptor): Uint8Array {
  const out = new Uint8Array(DESCRIPTOR_BYTES);
  const v = viewOf(out);
  v.setInt32(0, d.dataType, true);
  v.setUint8(4, 1);
  v.setUint32(5, d.id, true);
  v.setUint32(9, d.group, true);
  v.setUint32(13, d.link, true);
  v.setBigInt64(17, BigInt(d.offset), true);
  v.setBigInt64(25, BigInt(d.sizeBytes), true);
  v.setBigInt64(33, BigInt(d.paddedBytes), true);
  v.setBigInt64(41, d.createdAt, true);
  v.setBigInt64(49, d.modifiedAt, true);
  v.setBigInt64(57, d.uid, true);
  v.setBigInt64(65, d.gid, true);
  out.set(d.name.subarray(0, NAME_BYTES), 73);
  out.set(d.extra.subarray(0, EXTRA_BYTES), 201);
  return out;
}
