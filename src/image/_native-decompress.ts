import { dlopen, FFIType, ptr } from "bun:ffi";
import { Fault } from "../base/fault.ts";

/*
 * Block decoders of the host's compression libraries. Every call is given the output buffer and its
 * size, so none can write or allocate more, whatever the input claims.
 */

const { i32, u32, u64, ptr: address } = FFIType;
/** Dictionary memory that an xz or lzma block may ask for; SquashFS blocks are 1 MiB at most. */
const LZMA_MEMORY = 64 * 1024 * 1024;
const LZMA_OK = 0;
const LZMA_STREAM_END = 1;

type NativeName = "xz" | "lzma" | "lz4" | "lzo" | "zstd";
type Decoder = (input: Uint8Array, out: Uint8Array) => number;

const decoders = new Map<NativeName, Decoder>();

/** Unpacks with a library of the host; `undefined` for damaged input or more than `limitBytes`. Fault `missing-tool` without the library. */
export function decompressNative(
  compression: NativeName,
  input: Uint8Array,
  limitBytes: number,
): Uint8Array | undefined {
  if (input.length === 0) return undefined;
  let decode = decoders.get(compression);
  if (decode === undefined) {
    decode = LOADERS[compression]();
    decoders.set(compression, decode);
  }
  const out = new Uint8Array(limitBytes);
  const length = decode(input, out);
  return length < 0 ? undefined : out.subarray(0, length);
}

const LOADERS: Readonly<Record<NativeName, () => Decoder>> = {
  xz: () => loadLzma().xz,
  lzma: () => loadLzma().alone,
  lz4: loadLz4,
  lzo: loadLzo,
  zstd: loadZstd,
};

function loadLzma(): { xz: Decoder; alone: Decoder } {
  const lib = library("xz", "liblzma.so.5", "liblzma5", () =>
    dlopen("liblzma.so.5", {
      lzma_stream_buffer_decode: {
        args: [address, u32, u64, address, address, u64, address, address, u64],
        returns: i32,
      },
      lzma_alone_decoder: { args: [address, u64], returns: i32 },
      lzma_code: { args: [address, i32], returns: i32 },
      lzma_end: { args: [address], returns: FFIType.void },
    }),
  );
  const { lzma_stream_buffer_decode, lzma_alone_decoder, lzma_code, lzma_end } = lib.symbols;

  const xz: Decoder = (input, out) => {
    const places = new BigUint64Array([BigInt(LZMA_MEMORY), 0n, 0n]);
    const at = ptr(places);
    const status = lzma_stream_buffer_decode(
      at,
      0,
      0,
      ptr(input),
      ptr(places, 8),
      input.length,
      ptr(out),
      ptr(places, 16),
      out.length,
    );
    return status === LZMA_OK ? Number(places[2]) : -1;
  };

  // "lzma" blocks are .lzma files: five bytes of properties, the size as u64, the stream. The stream
  // has an end marker too, which liblzma refuses beside a known size: the size is set to "unknown".
  const alone: Decoder = (input, out) => {
    if (input.length < 13) return -1;
    const copy = input.slice();
    copy.fill(0xff, 5, 13);
    const stated = new DataView(input.buffer, input.byteOffset).getUint32(5, true);
    if (stated > out.length) return -1;
    // struct lzma_stream: next_in, avail_in, total_in, next_out, avail_out, total_out, then private.
    const stream = new BigUint64Array(32);
    stream[0] = BigInt(ptr(copy));
    stream[1] = BigInt(copy.length);
    stream[3] = BigInt(ptr(out));
    stream[4] = BigInt(out.length);
    if (lzma_alone_decoder(ptr(stream), LZMA_MEMORY) !== LZMA_OK) return -1;
    const LZMA_FINISH = 3;
    const status = lzma_code(ptr(stream), LZMA_FINISH);
    const written = Number(stream[5]);
    lzma_end(ptr(stream));
    if (status !== LZMA_STREAM_END && status !== LZMA_OK) return -1;
    return written >= stated ? stated : -1;
  };
  decoders.set("xz", xz);
  decoders.set("lzma", alone);
  return { xz, alone };
}

function loadLz4(): Decoder {
  const lib = library("lz4", "liblz4.so.1", "liblz4-1", () =>
    dlopen("liblz4.so.1", {
      LZ4_decompress_safe: { args: [address, address, i32, i32], returns: i32 },
    }),
  );
  const { LZ4_decompress_safe } = lib.symbols;
  return (input, out) => LZ4_decompress_safe(ptr(input), ptr(out), input.length, out.length);
}

function loadLzo(): Decoder {
  const lib = library("lzo", "liblzo2.so.2", "liblzo2-2", () =>
    dlopen("liblzo2.so.2", {
      lzo1x_decompress_safe: { args: [address, u64, address, address, address], returns: i32 },
    }),
  );
  const { lzo1x_decompress_safe } = lib.symbols;
  return (input, out) => {
    const length = new BigUint64Array([BigInt(out.length)]);
    const status = lzo1x_decompress_safe(ptr(input), input.length, ptr(out), ptr(length), null);
    return status === 0 ? Number(length[0]) : -1;
  };
}

function loadZstd(): Decoder {
  const lib = library("zstd", "libzstd.so.1", "libzstd1", () =>
    dlopen("libzstd.so.1", {
      ZSTD_decompress: { args: [address, u64, address, u64], returns: FFIType.i64 },
    }),
  );
  const { ZSTD_decompress } = lib.symbols;
  // Errors are small negative numbers.
  return (input, out) => Number(ZSTD_decompress(ptr(out), out.length, ptr(input), input.length));
}

function library<T>(compression: string, file: string, debian: string, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    throw new Fault(
      "missing-tool",
      `Cannot read SquashFS image: it is packed with ${compression} and ${file} is not on this host`,
      { cause, hint: `install the package that holds ${file} ("${debian}" on Debian and Ubuntu)` },
    );
  }
}
