import { decodeOsText } from "../../base/os-text.ts";

/**
 * The dynamic linker's cache, /etc/ld.so.cache (glibc: elf/dl-cache.h), as little- or big-endian
 * as the machine:
 *
 *   old, up to glibc 2.31 in front of the new one; skipped:
 *     "ld.so-1.7.0"  count u32  count × { flags i32, name u32, path u32 }  pad to 8
 *   new:
 *     "glibc-ld.so.cache1.1"  count u32  stringBytes u32  flags u8  pad 3  extension u32  unused 3 × u32
 *     count × { flags i32, name u32, path u32, osversion u32, hwcap u64 }
 *     NUL-ended strings; name and path count from the start of the new header
 *
 * The order of entries is that of `ldconfig -p`.
 */
export interface CachedLibrary {
  /** Name that programs ask for: "libcuda.so.1". */
  readonly name: string;
  /** Absolute path, usually of a symbolic link. */
  readonly path: string;
  /** Whether the entry is only for processors with certain features (glibc-hwcaps directories). */
  readonly special: boolean;
}

const OLD_MAGIC = "ld.so-1.7.0";
const NEW_MAGIC = "glibc-ld.so.cache1.1";
const HEADER_BYTES = 48;
const ENTRY_BYTES = 24;

/** Entries of a cache in its order; undefined for data that is no cache. Entries that point outside are left out. */
export function parseLdCache(bytes: Uint8Array): readonly CachedLibrary[] | undefined {
  const start = newCacheStart(bytes);
  if (start === undefined || start + HEADER_BYTES > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const littleEndian = isLittleEndian(view, start);
  const count = view.getUint32(start + 20, littleEndian);
  if (start + HEADER_BYTES + count * ENTRY_BYTES > bytes.length) return undefined;

  const textAt = (offset: number): string => {
    const from = start + offset;
    const end = from < bytes.length ? bytes.indexOf(0, from) : -1;
    return end < 0 ? "" : decodeOsText(bytes.subarray(from, end));
  };
  const libraries: CachedLibrary[] = [];
  for (let i = 0; i < count; i++) {
    const at = start + HEADER_BYTES + i * ENTRY_BYTES;
    const name = textAt(view.getUint32(at + 4, littleEndian));
    const path = textAt(view.getUint32(at + 8, littleEndian));
    const special = view.getBigUint64(at + 16, littleEndian) !== 0n;
    if (name !== "" && path.startsWith("/")) libraries.push({ name, path, special });
  }
  return libraries;
}

/** Lines `\tlibz.so.1 (libc6,x86-64) => /usr/lib/libz.so.1` of `ldconfig -p`, for machines whose cache has another form. */
export function parseLdconfigOutput(text: string): readonly CachedLibrary[] {
  const libraries: CachedLibrary[] = [];
  for (const line of text.split("\n")) {
    const [, name, attributes, path] = line.match(/^\s+(\S+) \(([^)]*)\) => (\/.+)$/) ?? [];
    if (name === undefined || path === undefined) continue;
    libraries.push({ name, path, special: attributes?.includes("hwcap") === true });
  }
  return libraries;
}

function newCacheStart(bytes: Uint8Array): number | undefined {
  if (startsWith(bytes, 0, NEW_MAGIC)) return 0;
  if (!startsWith(bytes, 0, OLD_MAGIC) || bytes.length < 16) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const littleEndian of [true, false]) {
    const end = 16 + view.getUint32(12, littleEndian) * 12;
    const aligned = Math.ceil(end / 8) * 8;
    if (startsWith(bytes, aligned, NEW_MAGIC)) return aligned;
  }
  return undefined;
}

/** By the header's flags (2 little, 3 big); older caches leave them 0: then by which count fits. */
function isLittleEndian(view: DataView, start: number): boolean {
  const flags = view.getUint8(start + 28) & 3;
  if (flags >= 2) return flags === 2;
  return view.getUint32(start + 20, true) <= view.getUint32(start + 20, false);
}

function startsWith(bytes: Uint8Array, at: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) {
    if (bytes[at + i] !== word.charCodeAt(i)) return false;
  }
  return true;
}
