import type { CompressionName } from "../format/squashfs/superblock.ts";
import { decompressNative } from "./_native-decompress.ts";
import { zstdContentBytes } from "./_zstd-frame.ts";

/*
 * gzip and zstd come with Bun; the others (and zstd frames that do not state their size) from the
 * libraries that squashfuse links, opened when first needed.
 */

/**
 * Unpacks one SquashFS block: at most `limitBytes`, or `undefined` when the input is damaged or would
 * be longer. Throws a Fault `missing-tool` when the host lacks the library for the compression.
 */
export function decompress(
  compression: CompressionName,
  input: Uint8Array,
  limitBytes: number,
): Uint8Array | undefined {
  const bytes = unpack(compression, input, limitBytes);
  // No block of an image is empty.
  return bytes === undefined || bytes.length === 0 || bytes.length > limitBytes ? undefined : bytes;
}

function unpack(
  compression: CompressionName,
  input: Uint8Array,
  limitBytes: number,
): Uint8Array | undefined {
  switch (compression) {
    case "gzip":
      return inflate(input, limitBytes);
    case "zstd":
      return zstd(input, limitBytes);
    case "xz":
    case "lzma":
    case "lz4":
    case "lzo":
      return decompressNative(compression, input, limitBytes);
  }
}

/** Deflate packs 1032 times at most; up to here even that stays a tolerable 132 MB. */
const INFLATE_TRUSTED_BYTES = 128 * 1024;

function inflate(input: Uint8Array, limitBytes: number): Uint8Array | undefined {
  try {
    if (input.length > INFLATE_TRUSTED_BYTES) {
      // Bun.inflateSync takes no limit and would unpack a bomb of a large block whole.
      const zlib = process.getBuiltinModule("node:zlib");
      return new Uint8Array(zlib.inflateSync(input, { maxOutputLength: limitBytes }));
    }
    // A zlib stream is two bytes, raw deflate, then a checksum.
    if (input.length < 6 || ((input[0] ?? 0) & 0x0f) !== 8) return undefined;
    return Bun.inflateSync(input.subarray(2, -4) as Uint8Array<ArrayBuffer>);
  } catch {
    // Damaged input; the reader names the place.
    return undefined;
  }
}

function zstd(input: Uint8Array, limitBytes: number): Uint8Array | undefined {
  const stated = zstdContentBytes(input);
  if (stated === undefined) return decompressNative("zstd", input, limitBytes);
  if (stated > limitBytes) return undefined;
  try {
    return Bun.zstdDecompressSync(input as Uint8Array<ArrayBuffer>);
  } catch {
    return undefined;
  }
}
