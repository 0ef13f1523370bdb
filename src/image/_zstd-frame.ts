import { viewOf } from "../base/byte-source.ts";

/** First four bytes of a zstd frame, little-endian (RFC 8878 section 3.1.1). */
const ZSTD_MAGIC = 0xfd2fb528;

/**
 * Unpacked size that a zstd frame states in its header, in bytes; `undefined` when it states none or
 * is no frame. Known before unpacking, so a bomb can be refused: a decoder that is given a buffer of
 * that size writes no more.
 */
export function zstdContentBytes(frame: Uint8Array): number | undefined {
  if (frame.length < 6) return undefined;
  const v = viewOf(frame);
  if (v.getUint32(0, true) !== ZSTD_MAGIC) return undefined;
  const descriptor = v.getUint8(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const at = 5 + (singleSegment ? 0 : 1) + dictionaryBytes;
  const flag = descriptor >> 6;
  const width = flag === 0 ? (singleSegment ? 1 : 0) : 1 << flag;
  if (width === 0 || at + width > frame.length) return undefined;
  if (width === 1) return v.getUint8(at);
  if (width === 2) return v.getUint16(at, true) + 256;
  if (width === 4) return v.getUint32(at, true);
  return v.getUint32(at, true) + v.getUint32(at + 4, true) * 0x100000000;
}
