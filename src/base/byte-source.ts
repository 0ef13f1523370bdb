import { Fault } from "./fault.ts";

/**
 * Bytes that can be read in ranges: a file, a part of one, or something far away. The one way images
 * are read, so that nothing loads them whole.
 */
export interface ByteSource {
  readonly sizeBytes: number;
  /**
   * Exactly `length` bytes from `offset` (both in bytes, whole numbers). The result may be a view on
   * memory that the source keeps: do not write into it. Throws a Fault: `invalid` when the range is
   * not inside the source, `io` when reading fails.
   */
  read(offset: number, length: number): Uint8Array;
}

/** The part of a source that begins at `offset`, cut to what the source has. */
export function sliceSource(source: ByteSource, offset: number, sizeBytes: number): ByteSource {
  const size = Math.max(0, Math.min(sizeBytes, source.sizeBytes - offset));
  return {
    sizeBytes: size,
    read(at, length) {
      checkRange(at, length, size);
      return source.read(offset + at, length);
    },
  };
}

/** A source over bytes in memory. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.length,
    read(at, length) {
      checkRange(at, length, bytes.length);
      return bytes.subarray(at, at + length);
    },
  };
}

/** Throws the Fault of a range that leaves a source of `sizeBytes`. */
export function checkRange(offset: number, length: number, sizeBytes: number): void {
  // Written so that NaN, negative and huge values all fail.
  if (offset >= 0 && length >= 0 && offset + length <= sizeBytes) return;
  throw new Fault(
    "invalid",
    `Cannot read ${length} bytes at offset ${offset}: there are only ${sizeBytes} bytes`,
    { hint: "the file is cut off or damaged; fetch or build it again" },
  );
}

/** A little-endian view on the bytes of an array. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
