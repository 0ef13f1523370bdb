import { Fault } from "../base/fault.ts";
import { encodeOsText } from "../base/os-text.ts";

/**
 * Collects words, texts and bytes, and puts each kind together in one piece: on the launch path a
 * call for every text would cost four times as much.
 */
export class WireWriter {
  readonly words: number[] = [];
  readonly #texts: string[] = [];
  readonly #blobs: Uint8Array[] = [];

  /** A whole number from 0 to 2^32-1; absent: 0. */
  u32(value: number | undefined, what: string): void {
    if (value === undefined) {
      this.words.push(0);
      return;
    }
    if (value >>> 0 !== value) throw misfit(what, `${value} is no unsigned 32-bit number`);
    this.words.push(value);
  }

  i32(value: number, what: string): void {
    if ((value | 0) !== value) throw misfit(what, `${value} is no signed 32-bit number`);
    this.words.push(value);
  }

  /** A whole number from 0 to 2^53-1, or `Infinity` for all bits set; low word first; absent: 0. */
  u64(value: number | undefined, what: string): void {
    if (value === undefined) {
      this.words.push(0, 0);
      return;
    }
    if (value === Number.POSITIVE_INFINITY) {
      this.words.push(0xffffffff, 0xffffffff);
      return;
    }
    if (!Number.isSafeInteger(value) || value < 0) {
      throw misfit(what, `${value} is no whole number below 2^53`);
    }
    this.words.push(value % 0x100000000, Math.floor(value / 0x100000000));
  }

  /** Absent: empty. */
  str(text: string | undefined): void {
    this.#texts.push(text ?? "");
  }

  strs(texts: readonly string[]): void {
    this.words.push(texts.length);
    for (const text of texts) this.#texts.push(text);
  }

  bytes(value: Uint8Array): void {
    this.words.push(value.length);
    this.#blobs.push(value);
  }

  /** The words, the bytes, the texts each with a NUL behind it. `setSizes` is told the bytes of all and of the byte fields. */
  finish(setSizes: (total: number, blobs: number) => void): Uint8Array {
    const texts = this.#joined();
    const blobs = this.#blobs.reduce((sum, blob) => sum + blob.length, 0);
    const start = 4 * this.words.length;
    const total = start + blobs + texts.length;
    setSizes(total, blobs);
    const out = new Uint8Array(total);
    // Every machine that we run on is little-endian, as the format is.
    out.set(new Uint8Array(new Uint32Array(this.words).buffer));
    let at = start;
    for (const blob of this.#blobs) {
      out.set(blob, at);
      at += blob.length;
    }
    out.set(texts, at);
    return out;
  }

  #joined(): Uint8Array {
    const joined = this.#texts.join("\0");
    if (this.#texts.length === 0) return new Uint8Array(0);
    if (joined.split("\0").length !== this.#texts.length) {
      const text = this.#texts.find((t) => t.includes("\0"));
      throw misfit("a text", `a NUL byte in ${JSON.stringify(text)}`);
    }
    return encodeOsText(`${joined}\0`);
  }
}

function misfit(what: string, why: string): Fault {
  return new Fault("invalid", `Cannot encode ${what}: ${why}`);
}
