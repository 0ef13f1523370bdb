import { type ByteSource, checkRange, memorySource, viewOf } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import type { ExtInode } from "./inode.ts";
import type { ExtSuperblock } from "./superblock.ts";

/*
 * Extent tree node:  u16 0xf30a · u16 entries · u16 room · u16 depth · u32 generation, then 12 byte entries
 *   leaf   u32 first block of the file · u16 count (above 32768: unwritten, reads as zeros) · u16 high · u32 low
 *   index  u32 first block of the file · u32 low · u16 high · u16 unused
 */
const EXTENT_MAGIC = 0xf30a;
const MAX_DEPTH = 5;
const UNWRITTEN = 32768;
const DIRECT_BLOCKS = 12;
/** Far more nodes than a readable file has; stops trees that lead in circles. */
const MAX_NODES = 20000;

/** Blocks of a file that lie together: `count` blocks from `physical` (0: a hole), at block `logical` of the file. */
interface Run {
  readonly logical: number;
  readonly physical: number;
  readonly count: number;
}

/** Content of an inode. The caller has bounded its size. Throws a Fault `invalid` for maps that lead nowhere. */
export function readExtData(
  source: ByteSource,
  superblock: ExtSuperblock,
  inode: ExtInode,
): Uint8Array {
  const file = extFileSource(source, superblock, inode);
  return file.read(0, file.sizeBytes);
}

/** Content of an inode as a source of its own: a large one is read in ranges. Throws as above. */
export function extFileSource(
  source: ByteSource,
  superblock: ExtSuperblock,
  inode: ExtInode,
): ByteSource {
  const size = inode.sizeBytes;
  if (inode.mapKind === "inline") {
    if (size <= inode.map.length) return memorySource(inode.map.slice(0, size));
    throw new Fault("unsupported", `Cannot read ext3 image: inode ${inode.number} has inline data`);
  }
  const walk = new MapWalk(source, superblock, Math.ceil(size / superblock.blockSizeBytes));
  const runs = inode.mapKind === "extents" ? walk.extents(inode.map) : walk.indirect(inode.map);
  const block = superblock.blockSizeBytes;
  return {
    sizeBytes: size,
    read(offset, length) {
      checkRange(offset, length, size);
      const out = new Uint8Array(length);
      for (const { logical, physical, count } of runs) {
        const start = Math.max(offset, logical * block);
        const end = Math.min(offset + length, (logical + count) * block);
        if (physical === 0 || start >= end) continue;
        const from = physical * block + start - logical * block;
        out.set(source.read(from, end - start), start - offset);
      }
      return out;
    },
  };
}

class MapWalk {
  readonly #source: ByteSource;
  readonly #block: number;
  readonly #wanted: number;
  readonly #runs: Run[] = [];
  #nodes = 0;

  /** `wanted`: how many blocks of the file are needed. */
  constructor(source: ByteSource, superblock: ExtSuperblock, wanted: number) {
    this.#source = source;
    this.#block = superblock.blockSizeBytes;
    this.#wanted = wanted;
  }

  extents(root: Uint8Array): readonly Run[] {
    this.#node(root, MAX_DEPTH);
    return this.#runs;
  }

  #node(bytes: Uint8Array, maxDepth: number): void {
    const v = viewOf(bytes);
    const entries = v.getUint16(2, true);
    const depth = v.getUint16(6, true);
    const fits = 12 + entries * 12 <= bytes.length;
    if (v.getUint16(0, true) !== EXTENT_MAGIC || depth > maxDepth || !fits) throw damaged();
    if (++this.#nodes > MAX_NODES) throw damaged();
    for (let i = 0, at = 12; i < entries; i++, at += 12) {
      const logical = v.getUint32(at, true);
      if (logical >= this.#wanted) return;
      if (depth === 0) {
        const length = v.getUint16(at + 4, true);
        const start = v.getUint16(at + 6, true) * 0x100000000 + v.getUint32(at + 8, true);
        const isUnwritten = length > UNWRITTEN;
        const count = isUnwritten ? length - UNWRITTEN : length;
        this.#runs.push({ logical, physical: isUnwritten ? 0 : start, count });
      } else {
        const child = v.getUint16(at + 8, true) * 0x100000000 + v.getUint32(at + 4, true);
        this.#node(this.#source.read(child * this.#block, this.#block), depth - 1);
      }
    }
  }

  indirect(map: Uint8Array): readonly Run[] {
    const v = viewOf(map);
    for (let i = 0; i < DIRECT_BLOCKS; i++) this.#add(i, v.getUint32(i * 4, true));
    let logical = DIRECT_BLOCKS;
    for (let level = 1; level <= 3; level++) {
      logical = this.#level(v.getUint32((DIRECT_BLOCKS + level - 1) * 4, true), level, logical);
    }
    return this.#runs;
  }

  /** Adds what an indirect block of a level leads to; gives the file's block after it. */
  #level(physical: number, level: number, logical: number): number {
    const perBlock = this.#block / 4;
    const after = logical + perBlock ** level;
    if (logical >= this.#wanted || physical === 0) return after;
    if (++this.#nodes > MAX_NODES) throw damaged();
    const v = viewOf(this.#source.read(physical * this.#block, this.#block));
    for (let i = 0; i < perBlock; i++) {
      const at = logical + i * perBlock ** (level - 1);
      if (at >= this.#wanted) break;
      const next = v.getUint32(i * 4, true);
      if (level === 1) this.#add(at, next);
      else this.#level(next, level - 1, at);
    }
    return after;
  }

  /** One block, joined to the run before it when it follows on. */
  #add(logical: number, physical: number): void {
    if (logical >= this.#wanted || physical === 0) return;
    const last = this.#runs.at(-1);
    if (
      last !== undefined &&
      last.logical + last.count === logical &&
      last.physical + last.count === physical
    ) {
      this.#runs[this.#runs.length - 1] = { ...last, count: last.count + 1 };
    } else {
      this.#runs.push({ logical, physical, count: 1 });
    }
  }
}

function damaged(): Fault {
  return new Fault("invalid", "Cannot read ext3 image: the block map of a file is damaged");
}
