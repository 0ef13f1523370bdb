import { Fault } from "../base/fault.ts";
import { decodeOsText } from "../base/os-text.ts";

/** Takes the fields that WireWriter wrote, one after another; throws a Fault at the first that breaks the format. */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  readonly #end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
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
    const bytes = this.#sized(1);
    if (bytes.includes(0)) throw broken("a NUL inside a string");
    return decodeOsText(bytes);
  }

  strs(): readonly string[] {
    const count = this.u32();
    // The smallest string takes 8 bytes: a bound before any allocation.
    if (count > this.left / 8) throw broken("a count beyond the end");
    return Array.from({ length: count }, () => this.str());
  }

  bytes(): Uint8Array {
    return this.#sized(0).slice();
  }

  /** The next `size` bytes as a stream of their own. */
  part(size: number): WireReader {
    const start = this.#take(size);
    return new WireReader(this.#bytes.subarray(start, start + size));
  }

  #sized(nuls: number): Uint8Array {
    const size = this.u32();
    if (size > this.left) throw broken("a length beyond the end");
    const padded = (size + nuls + 3) & ~3;
    const start = this.#take(padded);
    if (this.#bytes.subarray(start + size, start + padded).some((b) => b !== 0)) {
      throw broken("padding that is not zero");
    }
    return this.#bytes.subarray(start, start + size);
  }

  #take(size: number): number {
    if (size > this.left) throw broken("truncated");
    const start = this.#at;
    this.#at += size;
    return start;
  }
}

/** A stream that does not keep the format. */
export function broken(why: string): Fault {
  return new Fault("invalid", `Cannot read the operation stream: ${why}`);
}
