import { viewOf } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";

/*
 * A self-running image: skiff itself with an image behind it.
 *
 *   0            ELF program, with a mark in the padding of its header:
 *                9 'R' · 12 u32 block of the image
 *   BLOCK*4096   the image as it is, to the end of the file
 *
 * Nobody else reads the padding (ELF-64 Object File Format: e_ident from 9 on), so the program stays
 * one; the launcher (launcher/entry.c) finds the mark in its own memory.
 */
const MARK_AT = 9;
const MARK = 0x52;
const BLOCK_AT = 12;
const ELF = 0x464c457f;

/** What the image's place is counted in; partitions of a SIF stay aligned. */
export const BLOCK_BYTES: number = 4096;

/** Bytes of a file that `imageOffset` and `markProgram` look at. */
export const HEAD_BYTES: number = 16;

/** Where the image of a self-running file begins, in bytes, by the file's first bytes; 0 when it is none. */
export function imageOffset(head: Uint8Array): number {
  if (head.length < HEAD_BYTES) return 0;
  const view = viewOf(head);
  if (view.getUint32(0, true) !== ELF || head[MARK_AT] !== MARK) return 0;
  return view.getUint32(BLOCK_AT, true) * BLOCK_BYTES;
}

/** The first bytes of a program with the mark. Throws a Fault for what is no program. */
export function markProgram(head: Uint8Array, offset: number): Uint8Array {
  const out = head.slice(0, HEAD_BYTES);
  const view = viewOf(out);
  if (out.length < HEAD_BYTES || view.getUint32(0, true) !== ELF || offset % BLOCK_BYTES !== 0) {
    throw new Fault("invalid", "Cannot mark a program: it is no ELF file");
  }
  out[MARK_AT] = MARK;
  view.setUint32(BLOCK_AT, offset / BLOCK_BYTES, true);
  return out;
}
