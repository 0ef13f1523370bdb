import { decodeOsText, encodeOsText } from "../../base/os-text.ts";
import { BLOCK_BYTES } from "./mark.ts";

/*
 * Programs of the machine that a self-running image was made on, for machines that lack them. The
 * block right before the image lists them as JSON, filled up with spaces; without any it is none.
 */

/** A file that lies in a self-running image; offset and size in bytes, from the start of the file. */
export interface CarriedFile {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/** A program with what it needs to start. */
export interface CarriedProgram {
  readonly name: string;
  /** Name of the file that is the dynamic linker; empty for a static program. */
  readonly loader: string;
  /** The program's own file has its name; the others are libraries. */
  readonly files: readonly CarriedFile[];
}

const START = '{"carried":';
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/;

/** One block; undefined when the list does not fit. */
export function encodeCarried(programs: readonly CarriedProgram[]): Uint8Array | undefined {
  const bytes = encodeOsText(JSON.stringify({ carried: programs }));
  if (bytes.length > BLOCK_BYTES) return undefined;
  const out = new Uint8Array(BLOCK_BYTES).fill(0x20);
  out.set(bytes);
  return out;
}

/** What a block lists; nothing for any other block. */
export function decodeCarried(block: Uint8Array): readonly CarriedProgram[] {
  const text = decodeOsText(block);
  if (!text.startsWith(START)) return [];
  try {
    const { carried } = JSON.parse(text) as { carried: readonly CarriedProgram[] };
    const isSound = carried.every(
      ({ name, files }) => NAME.test(name) && files.every((file) => NAME.test(file.name)),
    );
    return isSound ? carried : [];
  } catch {
    return [];
  }
}
