import { viewOf } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import { decodeOsText } from "../../base/os-text.ts";
import type { DirInode } from "./inode.ts";
import { METADATA_BYTES, type MetadataReader, type Place } from "./metadata.ts";

/*
 * A listing is a row of groups, names sorted by bytes throughout:
 *   group  u32 entries-1 · u32 inode block · u32 inode number base
 *   entry  u16 inode offset · s16 number difference · u16 type · u16 name length-1 · name
 * The index of a long directory (in its inode) names the first entry of each metadata block of its
 * listing:  u32 listing bytes before it · u32 block · u32 name length-1 · name
 */

/** An entry's inode, counted from the inode table. */
export interface EntryPlace {
  readonly block: number;
  readonly offset: number;
}

const GROUP_BYTES = 12;
const ENTRY_BYTES = 8;
const MAX_GROUP_ENTRIES = 256;
const MAX_NAME_BYTES = 256;
/** About a million names; what claims more is not a directory anyone made. */
const MAX_LIST_BYTES = 32 * 1024 * 1024;

/** Finds the entry with exactly this name; `undefined` when there is none. */
export function findEntry(
  metadata: MetadataReader,
  tableStart: number,
  dir: DirInode,
  name: Uint8Array,
): EntryPlace | undefined {
  if (name.length === 0 || name.length > MAX_NAME_BYTES) return undefined;
  const { place, skipped, until } = indexedStart(metadata, tableStart, dir, name);
  const list = listing(metadata, place, until - skipped);
  // A bare loop over bytes: a launch looks up some twenty names in code that is not compiled yet,
  // and with a call or a DataView an entry the same took five times as long.
  const wanted = name.length;
  const first = name[0] ?? 0;
  let at = 0;
  while (at < list.length) {
    let left = groupEntries(list, at);
    const group = at;
    at += GROUP_BYTES;
    while (left-- > 0) {
      const start = at + ENTRY_BYTES;
      const length = 1 + (list[at + 6] ?? 0) + ((list[at + 7] ?? 0) << 8);
      if (start + length > list.length) throw broken("a directory listing is cut off");
      const byte = list[start] ?? 0;
      if (byte > first) return undefined;
      if (
        length === wanted &&
        byte === first &&
        compareBytes(list, start, start + length, name) === 0
      ) {
        const v = viewOf(list);
        return { block: v.getUint32(group + 4, true), offset: v.getUint16(at, true) };
      }
      at = start + length;
    }
  }
  return undefined;
}

/** How many entries the group at `at` has. */
function groupEntries(list: Uint8Array, at: number): number {
  if (at + GROUP_BYTES > list.length) throw broken("a directory listing is cut off");
  const count = viewOf(list).getUint32(at, true) + 1;
  if (count > MAX_GROUP_ENTRIES) throw broken(`a directory group of ${count} is not possible`);
  return count;
}

/** All names, in their order on disk, which is by bytes. Throws a Fault for names no file can have. */
export function listNames(metadata: MetadataReader, tableStart: number, dir: DirInode): string[] {
  const place = { block: tableStart + dir.block, offset: dir.offset };
  const list = listing(metadata, place, dir.listBytes);
  const names: string[] = [];
  eachName(list, (start, end) => {
    const name = decodeOsText(list.subarray(start, end));
    if (name === "." || name === ".." || name.includes("/") || name.includes("\0")) {
      throw broken("a directory has an entry with a name no file can have");
    }
    names.push(name);
  });
  return names;
}

interface Stretch {
  readonly place: Place;
  /** Listing bytes before the stretch, and before the next one. */
  readonly skipped: number;
  readonly until: number;
}

/** The only stretch of the listing a name can be in: from the last index entry that does not sort after it to the next. */
function indexedStart(
  metadata: MetadataReader,
  tableStart: number,
  dir: DirInode,
  name: Uint8Array,
): Stretch {
  let place: Place = { block: tableStart + dir.block, offset: dir.offset };
  let skipped = 0;
  let at = dir.indexPlace;
  for (let i = 0; i < dir.indexes; i++) {
    const v = viewOf(metadata.read(at, 12));
    const here = v.getUint32(0, true);
    const length = v.getUint32(8, true) + 1;
    if (length > MAX_NAME_BYTES || here < skipped || here > dir.listBytes) {
      throw broken("a directory index is damaged");
    }
    const text = metadata.read(metadata.skip(at, 12), length);
    if (compareBytes(text, 0, length, name) > 0) return { place, skipped, until: here };
    // The listing goes on in the new block at the offset the first block would have reached.
    place = {
      block: tableStart + v.getUint32(4, true),
      offset: (dir.offset + here) % METADATA_BYTES,
    };
    skipped = here;
    at = metadata.skip(at, 12 + length);
  }
  return { place, skipped, until: dir.listBytes };
}

function listing(metadata: MetadataReader, place: Place, length: number): Uint8Array {
  if (length > MAX_LIST_BYTES) throw broken(`a directory of ${length} bytes is not possible`);
  return length === 0 ? new Uint8Array(0) : metadata.read(place, length);
}

/** Calls `visit` with the range of each entry's name. */
function eachName(list: Uint8Array, visit: (start: number, end: number) => void): void {
  const v = viewOf(list);
  let at = 0;
  while (at < list.length) {
    const count = groupEntries(list, at);
    at += GROUP_BYTES;
    for (let i = 0; i < count; i++) {
      const start = at + ENTRY_BYTES;
      const end = start > list.length ? start : start + v.getUint16(at + 6, true) + 1;
      if (end > list.length || end - start > MAX_NAME_BYTES) {
        throw broken("a directory listing is cut off");
      }
      visit(start, end);
      at = end;
    }
  }
}

/** Below 0 when the range of `list` sorts before `name`, 0 when equal. */
function compareBytes(list: Uint8Array, start: number, end: number, name: Uint8Array): number {
  const length = Math.min(end - start, name.length);
  for (let i = 0; i < length; i++) {
    const difference = (list[start + i] ?? 0) - (name[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return end - start - name.length;
}

function broken(reason: string): Fault {
  return new Fault("invalid", `Cannot read SquashFS image: ${reason}`);
}
