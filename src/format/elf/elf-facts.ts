import { type ElfCursor, elfCursor, type ReadRange } from "./_cursor.ts";

export type { ReadRange } from "./_cursor.ts";

/**
 * What of an ELF file decides whether it fits into an image (System V ABI; symbol versions: LSB):
 *
 *   header ── e_phoff ──► program headers ── PT_DYNAMIC ──► dynamic entries
 *                              │ PT_LOAD: address → offset       │ DT_SONAME, DT_STRTAB
 *                              ▼                                 │ DT_VERNEED ──► versions needed, by file
 *                         file offsets ◄─────────────────────────┘ DT_VERDEF  ──► versions defined
 *
 * Section headers are not used: they may be stripped.
 */
export interface ElfFacts {
  /** e_machine: 62 x86_64, 183 aarch64. */
  readonly machine: number;
  readonly is64: boolean;
  readonly soname: string | undefined;
  /** Versions asked of other libraries, in file order: { file: "libc.so.6", version: "GLIBC_2.34" }. */
  readonly needs: readonly VersionNeed[];
  /** Versions the library offers: "GLIBC_2.34"; the first is often its own name. */
  readonly defines: readonly string[];
}

export interface VersionNeed {
  readonly file: string;
  readonly version: string;
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT_STRTAB = 5;
const DT_SONAME = 14;
const DT_VERDEF = 0x6ffffffc;
const DT_VERNEED = 0x6ffffffe;
/** Upper bounds, far above what linkers make, for files that lie about their counts. */
const MAX_HEADERS = 128;
const MAX_ENTRIES = 4096;

/** Facts of an ELF file of either word size and byte order; undefined for anything else. */
export function elfFacts(read: ReadRange): ElfFacts | undefined {
  const ident = read(0, 16);
  if (ident[0] !== 0x7f || ident[1] !== 0x45 || ident[2] !== 0x4c || ident[3] !== 0x46) {
    return undefined;
  }
  const is64 = ident[4] === 2;
  const cursor = elfCursor(read, is64, ident[5] !== 2);
  const headers = programHeaders(cursor);
  const dynamic = dynamicEntries(cursor, headers);
  const tagged = (tag: number): number | undefined => {
    const value = dynamic.get(tag);
    return value === undefined ? undefined : offsetOf(headers, value);
  };
  const strings = tagged(DT_STRTAB);
  const sonameAt = dynamic.get(DT_SONAME);
  const text = (at: number) => (strings === undefined ? "" : cursor.text(strings + at));
  return {
    machine: cursor.u16(18),
    is64,
    soname: sonameAt === undefined || strings === undefined ? undefined : text(sonameAt),
    needs: versionNeeds(cursor, tagged(DT_VERNEED), text),
    defines: versionDefinitions(cursor, tagged(DT_VERDEF), text),
  };
}

interface ProgramHeader {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

function programHeaders(elf: ElfCursor): readonly ProgramHeader[] {
  const table = elf.word(elf.is64 ? 32 : 28);
  const size = elf.u16(elf.is64 ? 54 : 42);
  const count = Math.min(elf.u16(elf.is64 ? 56 : 44), MAX_HEADERS);
  return Array.from({ length: count }, (_, i) => {
    const at = table + i * size;
    return elf.is64
      ? header(elf, at, at + 8, at + 16, at + 32)
      : header(elf, at, at + 4, at + 8, at + 16);
  });
}

function header(
  elf: ElfCursor,
  type: number,
  offset: number,
  address: number,
  size: number,
): ProgramHeader {
  return {
    type: elf.u32(type),
    offset: elf.word(offset),
    address: elf.word(address),
    size: elf.word(size),
  };
}

/** File offset of an address, by the loaded segment it lies in. */
function offsetOf(headers: readonly ProgramHeader[], address: number): number | undefined {
  const segment = headers.find(
    (h) => h.type === PT_LOAD && address >= h.address && address < h.address + h.size,
  );
  return segment === undefined ? undefined : segment.offset + (address - segment.address);
}

/** Tag → value of the dynamic section; of a repeated tag the first. */
function dynamicEntries(
  elf: ElfCursor,
  headers: readonly ProgramHeader[],
): ReadonlyMap<number, number> {
  const entries = new Map<number, number>();
  const dynamic = headers.find((h) => h.type === PT_DYNAMIC);
  if (dynamic === undefined) return entries;
  const word = elf.is64 ? 8 : 4;
  const count = Math.min(Math.floor(dynamic.size / (2 * word)), MAX_ENTRIES);
  for (let i = 0; i < count; i++) {
    const at = dynamic.offset + i * 2 * word;
    const tag = elf.word(at);
    if (tag === 0) break;
    if (!entries.has(tag)) entries.set(tag, elf.word(at + word));
  }
  return entries;
}

/**
 * Verneed { version u16, count u16, file u32, aux u32, next u32 }, each with its
 * Vernaux { hash u32, flags u16, other u16, name u32, next u32 }; offsets are relative, 0 ends.
 */
function versionNeeds(
  elf: ElfCursor,
  start: number | undefined,
  text: (at: number) => string,
): readonly VersionNeed[] {
  const needs: VersionNeed[] = [];
  let left = MAX_ENTRIES;
  for (let at = start ?? 0; at > 0 && left-- > 0; at = follow(at, elf.u32(at + 12))) {
    const file = text(elf.u32(at + 4));
    for (
      let aux = follow(at, elf.u32(at + 8));
      aux > 0 && left-- > 0;
      aux = follow(aux, elf.u32(aux + 12))
    ) {
      const version = text(elf.u32(aux + 8));
      if (version !== "") needs.push({ file, version });
    }
  }
  return needs;
}

/** Verdef { version u16, flags u16, index u16, count u16, hash u32, aux u32, next u32 }; the first Verdaux { name u32, next u32 } names it. */
function versionDefinitions(
  elf: ElfCursor,
  start: number | undefined,
  text: (at: number) => string,
): readonly string[] {
  const names: string[] = [];
  let left = MAX_ENTRIES;
  for (let at = start ?? 0; at > 0 && left-- > 0; at = follow(at, elf.u32(at + 16))) {
    const name = text(elf.u32(at + elf.u32(at + 12)));
    if (name !== "") names.push(name);
  }
  return names;
}

/** The next record of a chain; 0 at its end. */
function follow(at: number, distance: number): number {
  return distance === 0 ? 0 : at + distance;
}
