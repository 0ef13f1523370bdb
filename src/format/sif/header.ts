import { viewOf } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";

/*
 * A SIF file, little-endian and without padding between fields (sif.md):
 *
 *   0      global header, 128 bytes
 *          0 launch line (32) · 32 "SIF_MAGIC\0" · 42 "01\0" · 45 architecture "02\0" · 48 UUID (16) ·
 *          64 created · 72 modified · 80 descriptors free · 88 descriptors total ·
 *          96 table offset · 104 table size · 112 data offset · 120 data size        (all int64)
 *   4096   descriptor table: 585 bytes each, 48 of them unless made otherwise
 *   32176  data: objects one after another, partitions aligned to 4096
 *
 *   descriptor  0 i32 data type · 4 u8 used · 5 u32 id · 9 u32 group · 13 u32 link · 17 i64 offset ·
 *               25 i64 size · 33 i64 size with the padding before it · 41 i64 created ·
 *               49 i64 modified · 57 i64 uid · 65 i64 gid · 73 name (128) · 201 extra (384)
 */

export const HEADER_BYTES: number = 128;
export const LAUNCH_BYTES: number = 32;
export const DESCRIPTOR_BYTES: number = 585;
/** Where every known writer puts the table. */
export const TABLE_OFFSET: number = 4096;
export const DEFAULT_CAPACITY: number = 48;
/** More descriptors than any image has a use for; a claim beyond it is refused (2.4 MB of table). */
export const MAX_CAPACITY: number = 4096;
/**
 * The time of deterministic images: the zero time of the peers' language, 1 January of year 1. An
 * image with it and a zero UUID is "deterministic" and keeps that time through changes.
 */
export const ZERO_TIME: bigint = -62135596800n;

const MAGIC = "SIF_MAGIC";
const VERSION = "01";

export interface SifHeader {
  /** 32 bytes, NUL padded: a `#!` line for images that can be called. */
  readonly launch: Uint8Array;
  /** Architecture of the primary partition: a two-digit code, "00" for none (codes.ts). */
  readonly arch: string;
  /** 16 bytes in the order they are written as text. */
  readonly uuid: Uint8Array;
  /** Seconds since 1970, signed. */
  readonly createdAt: bigint;
  readonly modifiedAt: bigint;
  readonly descriptorsFree: number;
  readonly descriptorsTotal: number;
  /** Bytes from the start of the file, as are all offsets. */
  readonly tableOffset: number;
  readonly tableBytes: number;
  readonly dataOffset: number;
  readonly dataBytes: number;
}

/** Whether the text SIF_MAGIC is anywhere in the first block: cheap, and a longer launch line does no harm. */
export function hasSifMagic(firstBlock: Uint8Array): boolean {
  let at = firstBlock.indexOf(0x53);
  while (at >= 0) {
    if (isTextAt(firstBlock, at, MAGIC)) return true;
    at = firstBlock.indexOf(0x53, at + 1);
  }
  return false;
}

function isTextAt(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/**
 * Reads a global header from at least 128 bytes. Throws a Fault `invalid` for a wrong magic or
 * version, and for counts and offsets that are negative or above 2^53; whether they fit the file is
 * for the reader of the table to check.
 */
export function decodeHeader(bytes: Uint8Array): SifHeader {
  if (bytes.length < HEADER_BYTES) throw broken(`a header needs 128 bytes, not ${bytes.length}`);
  if (!isTextAt(bytes, 32, MAGIC) || bytes[41] !== 0) throw broken("the magic text is missing");
  if (!isTextAt(bytes, 42, VERSION) || bytes[44] !== 0) throw broken("its version is not 01");
  const v = viewOf(bytes);
  return {
    launch: bytes.slice(0, LAUNCH_BYTES),
    arch: String.fromCharCode(bytes[45] ?? 0, bytes[46] ?? 0),
    uuid: bytes.slice(48, 64),
    createdAt: v.getBigInt64(64, true),
    modifiedAt: v.getBigInt64(72, true),
    descriptorsFree: readSize(v, 80, "number of free descriptors"),
    descriptorsTotal: readSize(v, 88, "number of descriptors"),
    tableOffset: readSize(v, 96, "offset of the descriptors"),
    tableBytes: readSize(v, 104, "size of the descriptors"),
    dataOffset: readSize(v, 112, "offset of the data"),
    dataBytes: readSize(v, 120, "size of the data"),
  };
}

/** The 128 bytes of a header. */
export function encodeHeader(header: SifHeader): Uint8Array {
  const out = new Uint8Array(HEADER_BYTES);
  const v = viewOf(out);
  out.set(header.launch.subarray(0, LAUNCH_BYTES));
  putText(out, 32, MAGIC);
  putText(out, 42, VERSION);
  putText(out, 45, header.arch.slice(0, 2));
  out.set(header.uuid.subarray(0, 16), 48);
  v.setBigInt64(64, header.createdAt, true);
  v.setBigInt64(72, header.modifiedAt, true);
  v.setBigInt64(80, BigInt(header.descriptorsFree), true);
  v.setBigInt64(88, BigInt(header.descriptorsTotal), true);
  v.setBigInt64(96, BigInt(header.tableOffset), true);
  v.setBigInt64(104, BigInt(header.tableBytes), true);
  v.setBigInt64(112, BigInt(header.dataOffset), true);
  v.setBigInt64(120, BigInt(header.dataBytes), true);
  return out;
}

/** Whether changes to an image keep the fixed time instead of the clock's. */
export function isDeterministic(header: SifHeader): boolean {
  return (
    header.createdAt === ZERO_TIME &&
    header.modifiedAt === ZERO_TIME &&
    header.uuid.every((b) => b === 0)
  );
}

/** Reads an int64 that counts or places something: 0 to 2^53. */
export function readSize(v: DataView, at: number, what: string): number {
  const high = v.getInt32(at + 4, true);
  if (high < 0 || high >= 0x200000) throw broken(`the ${what} is ${v.getBigInt64(at, true)}`);
  return high * 0x100000000 + v.getUint32(at, true);
}

function putText(out: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) out[at + i] = text.charCodeAt(i);
}

function broken(reason: string): Fault {
  return new Fault("invalid", `Cannot read SIF image: ${reason}`);
}
