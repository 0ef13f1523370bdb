import { decodeOsText } from "../../base/os-text.ts";

/** Bytes `offset` to `offset + length` of a file; fewer at its end. */
export type ReadRange = (offset: number, length: number) => Uint8Array;

/** Numbers of an ELF file in its own word size and byte order. */
export interface ElfCursor {
  readonly is64: boolean;
  u16(offset: number): number;
  u32(offset: number): number;
  /** A word of 4 or 8 bytes; values above 2^53 come back inexact and are refused by the callers' range checks. */
  word(offset: number): number;
  /** NUL-ended text, at most 255 bytes. */
  text(offset: number): string;
}

/** Small: a driver has dozens of libraries, and a read of 1 KiB costs half of one of 4 KiB. */
const WINDOW_BYTES = 1024;
const TEXT_BYTES = 256;

/**
 * A cursor over `read`; reads outside of the file give 0 and "". Neighbouring numbers come from one
 * window, so that a library of hundreds of megabytes costs a handful of reads.
 */
export function elfCursor(read: ReadRange, is64: boolean, littleEndian: boolean): ElfCursor {
  let start = 0;
  let window: DataView = new DataView(new ArrayBuffer(0));
  const at = (offset: number, length: number): number | undefined => {
    if (!Number.isSafeInteger(offset) || offset < 0) return undefined;
    if (offset < start || offset + length > start + window.byteLength) {
      const bytes = read(offset, WINDOW_BYTES);
      start = offset;
      window = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    return offset + length <= start + window.byteLength ? offset - start : undefined;
  };
  const number = (offset: number, length: number, get: (at: number) => number): number => {
    const found = at(offset, length);
    return found === undefined ? 0 : get(found);
  };
  const u32 = (offset: number) => number(offset, 4, (i) => window.getUint32(i, littleEndian));
  return {
    is64,
    u32,
    u16: (offset) => number(offset, 2, (i) => window.getUint16(i, littleEndian)),
    word: (offset) =>
      is64 ? number(offset, 8, (i) => Number(window.getBigUint64(i, littleEndian))) : u32(offset),
    text: (offset) => {
      if (!Number.isSafeInteger(offset) || offset < 0) return "";
      const bytes = read(offset, TEXT_BYTES);
      const end = bytes.indexOf(0);
      return end < 0 ? "" : decodeOsText(bytes.subarray(0, end));
    },
  };
}
