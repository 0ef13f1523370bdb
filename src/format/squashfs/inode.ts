import { viewOf } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import type { FileKind } from "../../base/file-view.ts";
import type { MetadataReader, Place } from "./metadata.ts";

/*
 * Inodes. All begin with 16 bytes: u16 type · u16 mode · u16 uid index · u16 gid index · u32 time ·
 * u32 number. Then, by type (1 to 7 the short forms, 8 to 14 the long ones):
 *   1 dir      u32 block · u32 links · u16 size+3 · u16 offset · u32 parent
 *   8 dir      u32 links · u32 size+3 · u32 block · u32 parent · u16 indexes · u16 offset · u32 xattr · index[]
 *   2 file     u32 start · u32 fragment · u32 offset · u32 size · u32 block[]
 *   9 file     u64 start · u64 size · u64 sparse · u32 links · u32 fragment · u32 offset · u32 xattr · u32 block[]
 *   3, 10 link u32 links · u32 length · text (long form: then u32 xattr)
 *   4, 5, 11, 12 devices  u32 links · u32 device (long form: u32 xattr)
 *   6, 7, 13, 14 fifo, socket  u32 links (long form: u32 xattr)
 */

const KINDS: readonly FileKind[] = ["dir", "file", "symlink", "block", "char", "fifo", "socket"];
const NO_INDEX = 0xffffffff;
const LONG_FORM = 7;
/** PATH_MAX is 4096; some room for what other systems allowed. */
const MAX_LINK_BYTES = 65536;

interface Common {
  readonly mode: number;
  /** Indexes into the id table. */
  readonly uidIndex: number;
  readonly gidIndex: number;
  readonly modifiedSeconds: number;
  readonly number: number;
  /** Index into the xattr table, absent when there is none. */
  readonly xattr: number | undefined;
}

export interface DirInode extends Common {
  readonly kind: "dir";
  /** Where the listing begins, counted from the directory table. */
  readonly block: number;
  readonly offset: number;
  /** Bytes of the listing. */
  readonly listBytes: number;
  /** How many index entries follow, and where. */
  readonly indexes: number;
  readonly indexPlace: Place;
}

export interface FileInode extends Common {
  readonly kind: "file";
  readonly sizeBytes: number;
  /** Position of the first data block. */
  readonly start: number;
  /** Fragment that holds the tail, absent when the last block is a whole one. */
  readonly fragment: number | undefined;
  readonly fragmentOffset: number;
  /** Where the u32 block lengths begin. */
  readonly blocksPlace: Place;
}

export interface LinkInode extends Common {
  readonly kind: "symlink";
  readonly text: Uint8Array;
}

export interface SpecialInode extends Common {
  readonly kind: "char" | "block" | "fifo" | "socket";
  /** "major:minor"; "0:0" for fifos and sockets. */
  readonly special: string;
}

export type Inode = DirInode | FileInode | LinkInode | SpecialInode;

/** Reads the inode at a place; throws a Fault `invalid` for an unknown type or impossible sizes. */
export function readInode(metadata: MetadataReader, place: Place): Inode {
  const v = viewOf(metadata.read(place, 16));
  const type = v.getUint16(0, true);
  const long = type > LONG_FORM;
  const kind = KINDS[long ? type - LONG_FORM - 1 : type - 1];
  if (kind === undefined) throw broken(`inode type ${type} is unknown`);
  const common = {
    mode: v.getUint16(2, true) & 0o7777,
    uidIndex: v.getUint16(4, true),
    gidIndex: v.getUint16(6, true),
    modifiedSeconds: v.getUint32(8, true),
    number: v.getUint32(12, true),
  };
  const rest = metadata.skip(place, 16);
  switch (kind) {
    case "dir":
      return readDir(metadata, rest, long, common);
    case "file":
      return readFile(metadata, rest, long, common);
    case "symlink":
      return readLink(metadata, rest, long, common);
    default:
      return readSpecial(metadata, rest, long, common, kind);
  }
}

type Start = Omit<Common, "xattr">;

function readDir(m: MetadataReader, place: Place, long: boolean, start: Start): DirInode {
  const v = viewOf(m.read(place, long ? 24 : 16));
  const size = long ? v.getUint32(4, true) : v.getUint16(8, true);
  return {
    ...start,
    kind: "dir",
    block: v.getUint32(long ? 8 : 0, true),
    offset: v.getUint16(long ? 18 : 10, true),
    // The stored size counts three bytes for "." and "..", which are not there; 0 means empty too.
    listBytes: Math.max(0, size - 3),
    indexes: long ? v.getUint16(16, true) : 0,
    indexPlace: m.skip(place, long ? 24 : 16),
    xattr: long ? xattrIndex(v.getUint32(20, true)) : undefined,
  };
}

function readFile(m: MetadataReader, place: Place, long: boolean, start: Start): FileInode {
  const length = long ? 40 : 16;
  const v = viewOf(m.read(place, length));
  const fragment = v.getUint32(long ? 28 : 4, true);
  return {
    ...start,
    kind: "file",
    start: long ? wide(v, 0) : v.getUint32(0, true),
    sizeBytes: long ? wide(v, 8) : v.getUint32(12, true),
    fragment: fragment === NO_INDEX ? undefined : fragment,
    fragmentOffset: v.getUint32(long ? 32 : 8, true),
    blocksPlace: m.skip(place, length),
    xattr: long ? xattrIndex(v.getUint32(36, true)) : undefined,
  };
}

function readLink(m: MetadataReader, place: Place, long: boolean, start: Start): LinkInode {
  const length = viewOf(m.read(place, 8)).getUint32(4, true);
  if (length > MAX_LINK_BYTES) throw broken(`a symbolic link of ${length} bytes is not possible`);
  const textPlace = m.skip(place, 8);
  const text = m.read(textPlace, length);
  const after = long ? viewOf(m.read(m.skip(textPlace, length), 4)).getUint32(0, true) : NO_INDEX;
  return { ...start, kind: "symlink", text, xattr: xattrIndex(after) };
}

function readSpecial(
  m: MetadataReader,
  place: Place,
  long: boolean,
  start: Start,
  kind: SpecialInode["kind"],
): SpecialInode {
  const isDevice = kind === "char" || kind === "block";
  const v = viewOf(m.read(place, (isDevice ? 8 : 4) + (long ? 4 : 0)));
  const device = isDevice ? v.getUint32(4, true) : 0;
  // The kernel's new_decode_dev(): minor in bits 0-7 and 20-31, major in bits 8-19.
  const major = (device >>> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00);
  const xattr = long ? xattrIndex(v.getUint32(isDevice ? 8 : 4, true)) : undefined;
  return { ...start, kind, special: `${major}:${minor}`, xattr };
}

function xattrIndex(value: number): number | undefined {
  return value === NO_INDEX ? undefined : value;
}

function wide(v: DataView, at: number): number {
  const high = v.getUint32(at + 4, true);
  if (high >= 0x200000) throw broken("a file size or position is beyond all bounds");
  return high * 0x100000000 + v.getUint32(at, true);
}

function broken(reason: string): Fault {
  return new Fault("invalid", `Cannot read SquashFS image: ${reason}`);
}
