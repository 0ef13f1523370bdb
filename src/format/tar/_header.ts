import { decodeOsText } from "../../base/os-text.ts";
import { headerSums, readNumber } from "./_number.ts";

/*
 * The header block, 512 bytes (POSIX.1-1988 and -2001, GNU, and what came before them):
 *
 *   0 name 100 | 100 mode 8 | 108 uid 8 | 116 gid 8 | 124 size 12 | 136 mtime 12 | 148 checksum 8
 *   156 type 1 | 157 link 100 | 257 magic 6 + version 2 | 265 user 32 | 297 group 32
 *   329 major 8 | 337 minor 8 | 345 prefix 155 (POSIX; 131 in star's form)
 *   GNU sparse files: 386 four pairs of 12 + 12 | 482 more follow 1 | 483 length 12
 */

/** The fields of a header block as they stand there. */
export interface HeaderFields {
  /** One character; "0" also for the NUL of old archives. */
  readonly type: string;
  readonly path: string;
  readonly link: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeSeconds: number;
  readonly major: number;
  readonly minor: number;
}

const MAGIC_POSIX = "ustar\0";
const MAGIC_GNU = "ustar ";

/** Reads a header block; a text says what is wrong with it. */
export function readHeader(block: Uint8Array): HeaderFields | string {
  const sum = readNumber(block, 148, 8);
  const sums = headerSums(block);
  if (sum === undefined || (sum !== sums[0] && sum !== sums[1])) {
    return "the checksum of a header is wrong";
  }
  const type = String.fromCharCode(block[156] ?? 0);
  const magic = String.fromCharCode(...block.subarray(257, 263));
  const hasDevice =
    (type === "3" || type === "4") && (magic === MAGIC_POSIX || magic === MAGIC_GNU);
  const numbers = {
    mode: readNumber(block, 100, 8),
    uid: readNumber(block, 108, 8),
    gid: readNumber(block, 116, 8),
    sizeBytes: readNumber(block, 124, 12),
    mtimeSeconds: readNumber(block, 136, 12),
    major: hasDevice ? readNumber(block, 329, 8) : 0,
    minor: hasDevice ? readNumber(block, 337, 8) : 0,
  };
  const { mode, uid, gid, sizeBytes, mtimeSeconds, major, minor } = numbers;
  if (
    mode === undefined ||
    uid === undefined ||
    gid === undefined ||
    sizeBytes === undefined ||
    mtimeSeconds === undefined ||
    major === undefined ||
    minor === undefined
  ) {
    const [field = ""] = Object.entries(numbers).find(([, value]) => value === undefined) ?? [];
    return `the field "${field}" of a header is no number`;
  }
  const name = text(block, 0, 100);
  let prefix = "";
  if (magic === MAGIC_POSIX) {
    const isStar = text(block, 508, 4) === "tar" && block[475] === 0;
    prefix = text(block, 345, isStar ? 131 : 155);
  }
  return {
    type: type === "\0" ? "0" : type,
    path: prefix === "" ? name : `${prefix}/${name}`,
    link: text(block, 157, 100),
    mode: mode & 0o7777,
    uid,
    gid,
    sizeBytes,
    mtimeSeconds,
    major,
    minor,
  };
}

/** Text up to the first NUL. */
function text(block: Uint8Array, at: number, length: number): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  return decodeOsText(end < 0 ? field : field.subarray(0, end));
}
