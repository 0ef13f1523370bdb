import { Fault } from "../base/fault.ts";
import { decodeOsText } from "../base/os-text.ts";

/** Takes what WireWriter wrote, in the same order; throws a Fault at the first break of the format. */
export class WireReader {
  readonly #view: DataView;
  readonly #wordsEnd: number;
  readonly #blobsEnd: number;
  #word = 0;
  #blob = 0;
  #text = 0;

  /** `words` and `blobs`: how many words the stream begins with, how many bytes come then. */
  constructor(bytes: Uint8Array, words: number, blobs: number) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#wordsEnd = 4 * words;
    this.#blobsEnd = this.#wordsEnd + blobs;
    this.#blob = this.#wordsEnd;
    this.#text = this.#blobsEnd;
    if (this.#blobsEnd > bytes.length) throw broken("truncated");
  }

  /** Words taken so far. */
  get position(): number {
    return this.#word / 4;
  }

  u32(): number {
    return this.#view.getUint32(this.#next(), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#next(), true);
  }

  u64(): number {
    const low = this.u32();
    const high = this.u32();
    if (low === 0xffffffff && high === 0xffffffff) return Number.POSITIVE_INFINITY;
    const value = high * 0x100000000 + low;
    if (!Number.isSafeInteger(value)) throw broken("a number above 2^53");
    return value;
  }

  str(): string {
    const end = this.#rest(this.#text, this.#view.byteLength).indexOf(0);
    if (end < 0) throw broken("a text without its end");
    const text = decodeOsText(this.#rest(this.#text, this.#text + end));
    this.#text += end + 1;
    return text;
  }

  strs(): readonly string[] {
    const count = this.u32();
    // The smallest text takes one byte: a bound before any allocation.
    if (count > this.#view.byteLength - this.#text) throw broken("a count beyond the end");
    return Array.from({ length: count }, () => this.str());
  }

  bytes(): Uint8Array {
    const size = this.u32();
    if (size > this.#blobsEnd - this.#blob) throw broken("a length beyond the end");
    this.#blob += size;
    return this.#rest(this.#blob - size, this.#blob).slice();
  }

  /** Throws unless all was taken. */
  end(): void {
    const isAll =
      this.#word === this.#wordsEnd &&
      this.#blob === this.#blobsEnd &&
      this.#text === this.#view.byteLength;
    if (!isAll) throw broken("something left at the end");
  }

  #rest(start: number, end: number): Uint8Array {
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + start, end - start);
  }

  #next(): number {
    if (this.#word + 4 > this.#wordsEnd) throw broken("no words left");
    this.#word += 4;
    return this.#word - 4;
  }
}

/** A stream that does not keep the format. */
export function broken(why: string): Fault {
  return new Fault("invalid", `Cannot read the operation stream: ${why}`);
}
