import { Fault } from "../base/fault.ts";
import { encodeOsTextInto } from "../base/os-text.ts";

/** Appends little-endian fields, each padded to 4 bytes, to a buffer that grows. */
export class WireWriter {
  #bytes: Uint8Array = new Uint8Array(16384);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** A whole number from 0 to 2^32-1. */
  u32(value: number, what: string): void {
    if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) {
      throw new Fault("invalid", `Cannot encode ${what}: ${value} is no unsigned 32-bit number`);
    }
    this.#word(value);
  }

  i32(value: number, what: string): void {
    if ((value | 0) !== value) {
      throw new Fault("invalid", `Cannot encode ${what}: ${value} is no signed 32-bit number`);
    }
    this.#word(value);
  }

  /** A whole number from 0 to 2^53-1, or `Infinity` for all bits set; low word first. */
  u64(value: number, what: string): void {
    if (value === Number.POSITIVE_INFINITY) {
      this.#word(0xffffffff);
      this.#word(0xffffffff);
      return;
    }
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new Fault("invalid", `Cannot encode ${what}: ${value} is no whole number below 2^53`);
    }
    this.#word(value % 0x100000000);
    this.#word(Math.floor(value / 0x100000000));
  }

  /** Length in bytes, the bytes (see os-text.ts), a NUL, padding. */
  str(text: string, what: string): void {
    if (text.includes("\0")) {
      throw new Fault("invalid", `Cannot encode ${what}: a NUL byte in ${JSON.stringify(text)}`);
    }
    this.#reserve(text.length * 3 + 12);
    const start = this.#length + 4;
    const written = encodeOsTextInto(text, this.#bytes.subarray(start));
    this.#word(written);
    this.#length = start + written;
    this.#pad(1);
  }

  strs(texts: readonly string[], what: string): void {
    this.#word(texts.length);
    for (const text of texts) this.str(text, what);
  }

  /** Length in bytes, the bytes, padding. */
  bytes(value: Uint8Array): void {
    this.#reserve(value.length + 12);
    this.#word(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    this.#pad(0);
  }

  /** Overwrites the word at `offset`: a length that is known only now. */
  patch(offset: number, value: number): void {
    const end = this.#length;
    this.#length = offset;
    this.#word(value);
    this.#length = end;
  }

  /** What was written, as a view of the buffer. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #word(value: number): void {
    this.#reserve(4);
    const bytes = this.#bytes;
    const at = this.#length;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
    this.#length = at + 4;
  }

  /** `nuls` zero bytes, then zeros up to a multiple of 4. */
  #pad(nuls: number): void {
    const end = (this.#length + nuls + 3) & ~3;
    this.#bytes.fill(0, this.#length, end);
    this.#length = end;
  }

  #reserve(more: number): void {
    const wanted = this.#length + more;
    if (wanted <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(wanted, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
