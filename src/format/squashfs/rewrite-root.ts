import { type ByteSource, viewOf } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import { joinBytes } from "../../base/join-bytes.ts";
import { type Decompress, METADATA_BYTES, MetadataReader } from "./metadata.ts";
import { NO_TABLE, readSuperblock, SUPERBLOCK_BYTES, type Superblock } from "./superblock.ts";

/** Attributes of the root directory. */
export interface RootAttributes {
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970, below 2^32. */
  readonly mtimeSeconds: number;
}

/** The new end of an image; the superblock goes to its start. */
export interface Rewritten {
  readonly superblock: Uint8Array;
  /** Position from which on the image is replaced. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

const STORED = 0x8000;

/**
 * Gives an image made by mksquashfs another root directory. From archives that program takes all but
 * the root: its owner is who runs it, and (to version 4.5) its time is the clock's.
 *
 *   before  … │ last inodes │ directories, fragments, export │ ids │ attributes
 *   after   … │ last inodes, as they are │ the same, moved │ ids that are used │ the same, moved
 *
 * @param usedIds owners in the image: of the others, which only the old root has, those at the end of
 *   the table go. So the bytes do not depend on who runs the program.
 * @param madeSeconds time at which the image was made, seconds since 1970.
 */
export function rewriteRoot(
  source: ByteSource,
  decompress: Decompress,
  root: RootAttributes,
  usedIds: ReadonlySet<number>,
  madeSeconds: number,
): Rewritten {
  const superblock = readSuperblock(source);
  const reader = new MetadataReader(source, superblock.compression, decompress);
  const oldIds = readIds(source, reader, superblock);
  const ids = keepIds(oldIds.ids, usedIds, root);

  const start = superblock.inodeTable + superblock.rootBlock;
  const inodes = lastInodes(reader, start, superblock.directoryTable);
  const at = superblock.rootOffset;
  if (at + 16 > inodes.length) throw broken("the root inode is cut off");
  const inode = viewOf(inodes.subarray(at));
  inode.setUint16(2, root.mode, true);
  inode.setUint16(4, ids.indexOf(root.uid), true);
  inode.setUint16(6, ids.indexOf(root.gid), true);
  inode.setUint32(8, root.mtimeSeconds, true);

  const head = source.read(0, SUPERBLOCK_BYTES).slice();
  const newInodes = storedBlocks(inodes);
  const moved = start + newInodes.bytes.length - superblock.directoryTable;
  const middle = source
    .read(superblock.directoryTable, oldIds.start - superblock.directoryTable)
    .slice();
  const { fragments } = superblock;
  const exportTable = positionAt(viewOf(head), 88);
  movePositions(
    middle,
    superblock.fragmentTable - superblock.directoryTable,
    fragments * 16,
    moved,
  );
  if (exportTable !== NO_TABLE) {
    movePositions(middle, exportTable - superblock.directoryTable, superblock.inodes * 8, moved);
  }

  const idBytes = new Uint8Array(ids.length * 4);
  for (const [index, id] of ids.entries()) viewOf(idBytes).setUint32(index * 4, id, true);
  const idStart = oldIds.start + moved;
  const idBlocks = storedBlocks(idBytes);
  const idList = new Uint8Array(idBlocks.positions.length * 8);
  for (const [index, position] of idBlocks.positions.entries()) {
    viewOf(idList).setBigUint64(index * 8, BigInt(idStart + position), true);
  }
  const idEnd = idStart + idBlocks.bytes.length + idList.length;
  const movedEnd = idEnd - oldIds.end;
  const rest = source.read(oldIds.end, superblock.usedBytes - oldIds.end).slice();
  if (superblock.xattrTable !== NO_TABLE) {
    const table = superblock.xattrTable - oldIds.end;
    if (table < 0 || table + 16 > rest.length) throw broken("its tables are out of order");
    const count = viewOf(rest).getUint32(table + 8, true);
    movePositions(rest, table, 8, movedEnd);
    movePositions(rest, table + 16, count * 16, movedEnd);
  }

  const view = viewOf(head);
  view.setUint32(8, madeSeconds, true);
  view.setUint16(26, ids.length, true);
  view.setBigUint64(40, BigInt(superblock.usedBytes + movedEnd), true);
  view.setBigUint64(48, BigInt(idStart + idBlocks.bytes.length), true);
  for (const [field, by] of [
    [56, movedEnd],
    [72, moved],
    [80, moved],
    [88, moved],
  ] as const) {
    const position = positionAt(view, field);
    if (position !== NO_TABLE) view.setBigUint64(field, BigInt(position + by), true);
  }
  const parts = [newInodes.bytes, middle, idBlocks.bytes, idList, rest];
  return { superblock: head, offset: start, bytes: joinBytes(parts) };
}

/** Unpacked inodes from a block to the end of their table. */
function lastInodes(reader: MetadataReader, start: number, end: number): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let at = start; at < end; ) {
    const block = reader.block(at);
    blocks.push(block.bytes);
    at = block.next;
  }
  return joinBytes(blocks);
}

interface IdTable {
  readonly ids: readonly number[];
  /** Where its first block begins, and where its list of positions ends. */
  readonly start: number;
  readonly end: number;
}

function readIds(source: ByteSource, reader: MetadataReader, superblock: Superblock): IdTable {
  const length = superblock.ids * 4;
  const blocks = Math.ceil(length / METADATA_BYTES);
  const list = viewOf(source.read(superblock.idTable, blocks * 8));
  const start = Number(list.getBigUint64(0, true));
  if (start < superblock.directoryTable || start >= superblock.idTable) {
    throw broken("its tables are out of order");
  }
  const bytes = reader.read({ block: start, offset: 0 }, length);
  const view = viewOf(bytes);
  const ids = Array.from({ length: superblock.ids }, (_, i) => view.getUint32(i * 4, true));
  return { ids, start, end: superblock.idTable + blocks * 8 };
}

function keepIds(
  ids: readonly number[],
  used: ReadonlySet<number>,
  root: RootAttributes,
): readonly number[] {
  let length = ids.length;
  while (length > 0 && !used.has(ids[length - 1] ?? 0)) length--;
  const kept = ids.slice(0, length);
  for (const id of [root.uid, root.gid]) if (!kept.includes(id)) kept.push(id);
  if (kept.length > 0xffff) throw broken("it has more owners than the format takes");
  return kept;
}

/** Metadata blocks that are stored as they are, and where each begins. */
function storedBlocks(bytes: Uint8Array): {
  readonly bytes: Uint8Array;
  readonly positions: readonly number[];
} {
  const parts: Uint8Array[] = [];
  const positions: number[] = [];
  let position = 0;
  for (let at = 0; at < bytes.length; at += METADATA_BYTES) {
    const block = bytes.subarray(at, at + METADATA_BYTES);
    const header = new Uint8Array(2);
    viewOf(header).setUint16(0, STORED | block.length, true);
    parts.push(header, block);
    positions.push(position);
    position += 2 + block.length;
  }
  return { bytes: joinBytes(parts), positions };
}

/** Moves the positions of a list, one for each metadata block of a table of `length` bytes. */
function movePositions(bytes: Uint8Array, at: number, length: number, by: number): void {
  const count = Math.ceil(length / METADATA_BYTES);
  if (count === 0) return;
  if (at < 0 || at + count * 8 > bytes.length) throw broken("its tables are out of order");
  const view = viewOf(bytes);
  for (let i = 0; i < count; i++) {
    const place = at + i * 8;
    view.setBigUint64(place, view.getBigUint64(place, true) + BigInt(by), true);
  }
}

function positionAt(view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  return value === 0xffffffffffffffffn ? NO_TABLE : Number(value);
}

function broken(why: string): Fault {
  return new Fault("invalid", `Cannot change the root of a SquashFS image: ${why}`);
}
