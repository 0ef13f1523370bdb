import { readFileSync, writeFileSync } from "node:fs";

/*
 * Puts the launcher in front of a program: add-launcher.ts PROGRAM BLOCK
 *
 * The block (launcher/entry.c) goes to the end of the ELF file and is mapped by the program header
 * of the build notes, which nobody reads in a running program; the entry point becomes the block's.
 * Layout: ELF-64 Object File Format; all fields little-endian.
 */
const ELF64_LE = 0x010102464c457fn;
const PT_LOAD = 1;
const PT_NOTE = 4;
const READ_EXECUTE = 5;
const HEADER_BYTES = 56;
/** The largest page of the architectures. */
const PAGE_BYTES = 0x10000;
/** The block begins with the distance to the program's own entry; its code follows. */
const CODE_AT = 8;

interface Segment {
  readonly at: number;
  readonly type: number;
  /** Address behind its memory. */
  readonly end: number;
}

function segmentsOf(view: DataView): readonly Segment[] {
  const first = Number(view.getBigUint64(32, true));
  return Array.from({ length: view.getUint16(56, true) }, (_, i) => {
    const at = first + i * HEADER_BYTES;
    const memory = view.getBigUint64(at + 16, true) + view.getBigUint64(at + 40, true);
    return { at, type: view.getUint32(at, true), end: Number(memory) };
  });
}

const roundUp = (value: number): number => Math.ceil(value / PAGE_BYTES) * PAGE_BYTES;

/** The program with the block in front. @throws Error when it is no such program, or has the block already. */
function addLauncher(program: Uint8Array, block: Uint8Array): Uint8Array {
  const offset = roundUp(program.length);
  const out = new Uint8Array(offset + block.length);
  out.set(program);
  out.set(block, offset);
  const view = new DataView(out.buffer);
  if ((view.getBigUint64(0, true) & 0xffffffffffffffn) !== ELF64_LE)
    throw new Error("not an ELF program");
  const segments = segmentsOf(view);
  const note = segments.find(({ type }) => type === PT_NOTE);
  if (note === undefined) throw new Error("no program header to spare");
  const loaded = segments.filter(({ type }) => type === PT_LOAD);
  const address = roundUp(Math.max(...loaded.map(({ end }) => end)));
  view.setUint32(note.at, PT_LOAD, true);
  view.setUint32(note.at + 4, READ_EXECUTE, true);
  const fields = [offset, address, address, block.length, block.length, PAGE_BYTES];
  fields.forEach((value, i) => {
    view.setBigUint64(note.at + 8 + 8 * i, BigInt(value), true);
  });
  view.setBigInt64(offset, view.getBigInt64(24, true) - BigInt(address), true);
  view.setBigUint64(24, BigInt(address + CODE_AT), true);
  return out;
}

const [program = "", block = ""] = Bun.argv.slice(2);
writeFileSync(program, addLauncher(readFileSync(program), readFileSync(block)));
