import { viewOf } from "../base/byte-source.ts";
import { hasSifMagic } from "../format/sif/header.ts";
import { hasSquashfsMagic } from "../format/squashfs/superblock.ts";

/** What the first block of a file says it is. */
export interface Recognized {
  readonly format: "sif" | "squashfs" | "ext3";
  /** Where the file system begins: behind the launch line when there is one; 0 for SIF. */
  readonly offsetBytes: number;
}

/** Bytes of a file that `recognize` needs: a launch line and an ext superblock behind it. */
export const FIRST_BLOCK_BYTES: number = 4096;
const EXT_MAGIC_OFFSET = 1080;
const EXT_MAGIC = 0xef53;

/**
 * The format of an image by its first block (up to 4096 bytes; fewer when the file is shorter): the
 * content decides, never the name. Images of the 2.x series are a `#!` line with a file system right
 * behind it. `undefined` when it is none of them.
 */
export function recognize(firstBlock: Uint8Array): Recognized | undefined {
  if (hasSifMagic(firstBlock)) return { format: "sif", offsetBytes: 0 };
  for (const offsetBytes of [0, launchLineBytes(firstBlock)]) {
    const rest = firstBlock.subarray(offsetBytes);
    if (hasSquashfsMagic(rest)) return { format: "squashfs", offsetBytes };
    if (hasExtMagic(rest)) return { format: "ext3", offsetBytes };
  }
  return undefined;
}

/** Whether a file system of the ext family begins here: magic at 1080. */
export function hasExtMagic(bytes: Uint8Array): boolean {
  const end = EXT_MAGIC_OFFSET + 2;
  return bytes.length >= end && viewOf(bytes).getUint16(EXT_MAGIC_OFFSET, true) === EXT_MAGIC;
}

/** Length of a `#!` line with its newline; 0 when there is none. */
function launchLineBytes(bytes: Uint8Array): number {
  return bytes[0] === 0x23 && bytes[1] === 0x21 ? bytes.indexOf(0x0a) + 1 : 0;
}
