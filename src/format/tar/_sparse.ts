import { decodeOsText } from "../../base/os-text.ts";
import { readNumber } from "./_number.ts";
import type { SparsePart } from "./tar-entry.ts";

/** More parts than any tool writes; a map is kept whole. */
export const MAX_SPARSE_PARTS = 1_000_000;

/**
 * Checks the parts of a sparse file, given as offset, length, offset, …: in order, inside the file, and
 * as many bytes as are stored. A text says what is wrong.
 */
export function checkSparse(
  numbers: readonly number[],
  sizeBytes: number,
  stored: number,
): readonly SparsePart[] | string {
  if (numbers.length % 2 !== 0) return "the map of a sparse file is cut off";
  const parts: SparsePart[] = [];
  let end = 0;
  let sum = 0;
  for (let i = 0; i < numbers.length; i += 2) {
    const offset = numbers[i] ?? 0;
    const length = numbers[i + 1] ?? 0;
    if (offset < end || length < 0 || offset + length > sizeBytes) {
      return "the map of a sparse file is out of order, or longer than the file";
    }
    end = offset + length;
    sum += length;
    if (length > 0) parts.push({ offset, length });
  }
  return sum === stored ? parts : "the map of a sparse file does not add up to its data";
}

/**
 * Pairs of a GNU sparse header or of one of its continuation blocks; unused ones are zero. A text says
 * what is wrong.
 */
export function readSparsePairs(block: Uint8Array, at: number, count: number): number[] | string {
  const out: number[] = [];
  for (let i = 0; i < count; i++) {
    const place = at + i * 24;
    if (block[place] === 0 || block[place + 12] === 0) break;
    const offset = readNumber(block, place, 12);
    const length = readNumber(block, place + 12, 12);
    if (offset === undefined || length === undefined) return "the map of a sparse file is broken";
    out.push(offset, length);
  }
  return out;
}

/** The map before the data of a sparse file (GNU 1.0): a count and pairs, each number on a line. */
export class SparseMapText {
  readonly numbers: number[] = [];
  #expected: number | undefined;
  #rest = "";

  /** Takes a block of the map: true when the map is complete, a text when it is broken. */
  take(block: Uint8Array): boolean | string {
    this.#rest += decodeOsText(block);
    let at = 0;
    while (this.#expected === undefined || this.numbers.length < this.#expected) {
      const end = this.#rest.indexOf("\n", at);
      if (end < 0) break;
      const word = this.#rest.slice(at, end);
      if (!/^[0-9]{1,15}$/.test(word)) return "the map of a sparse file is broken";
      at = end + 1;
      if (this.#expected !== undefined) this.numbers.push(Number(word));
      else if (Number(word) > MAX_SPARSE_PARTS) return "the map of a sparse file is too long";
      else this.#expected = Number(word) * 2;
    }
    this.#rest = this.#rest.slice(at);
    if (this.#expected !== undefined && this.numbers.length === this.#expected) return true;
    return this.#rest.length > 16 ? "the map of a sparse file is broken" : false;
  }
}

/** The map of the second GNU form: offset and length by turns, commas between them. */
export function readSparseList(text: string): readonly number[] | undefined {
  if (text === "") return [];
  return /^[0-9]{1,15}(?:,[0-9]{1,15})*$/.test(text) ? text.split(",").map(Number) : undefined;
}
