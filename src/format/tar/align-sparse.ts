import { BLOCK_BYTES, type SparsePart } from "./tar-entry.ts";

/**
 * Parts of a sparse file in the shape that mksquashfs (4.5, 4.6) reads without error: each begins and
 * ends at a whole block of 512 bytes, and the last block of a file whose length is no whole number of
 * blocks is always there. GNU tar itself only writes such maps; others stop that program, or make it
 * read the next header from the middle of a file.
 *
 * One part over the whole length means: no longer sparse.
 */
export function alignSparse(
  parts: readonly SparsePart[],
  sizeBytes: number,
): readonly SparsePart[] {
  const out: SparsePart[] = [];
  const add = (from: number, to: number): void => {
    const last = out.at(-1);
    if (to <= from) return;
    if (last !== undefined && from <= last.offset + last.length) {
      const end = Math.max(to, last.offset + last.length);
      out[out.length - 1] = { offset: last.offset, length: end - last.offset };
    } else {
      out.push({ offset: from, length: to - from });
    }
  };
  const floor = (at: number): number => at - (at % BLOCK_BYTES);
  for (const { offset, length } of parts) {
    add(floor(offset), Math.min(sizeBytes, floor(offset + length + BLOCK_BYTES - 1)));
  }
  add(floor(sizeBytes), sizeBytes);
  return out;
}

/** Turns the data of a sparse file into that of its aligned parts, by zeros between. */
export class SparseFiller {
  readonly #parts: readonly SparsePart[];
  readonly #aligned: readonly SparsePart[];
  readonly #sizeBytes: number;
  /** Everything before this place of the file has been given. */
  #at = 0;
  #part = 0;
  #alignedPart = 0;

  constructor(parts: readonly SparsePart[], aligned: readonly SparsePart[], sizeBytes: number) {
    this.#parts = parts;
    this.#aligned = aligned;
    this.#sizeBytes = sizeBytes;
  }

  /** What to write for the next piece of data. */
  take(bytes: Uint8Array, into: Uint8Array[]): void {
    let rest = bytes;
    while (rest.length > 0) {
      const part = this.#parts[this.#part];
      if (part === undefined) return;
      if (this.#at < part.offset) this.#fillTo(part.offset, into);
      const count = Math.min(rest.length, part.offset + part.length - this.#at);
      into.push(rest.subarray(0, count));
      rest = rest.subarray(count);
      this.#at += count;
      if (this.#at === part.offset + part.length) this.#part++;
    }
  }

  /** What to write when all data has come. */
  end(into: Uint8Array[]): void {
    this.#fillTo(this.#sizeBytes, into);
  }

  /** Zeros for what lies in aligned parts before `end`: less than two blocks at a time. */
  #fillTo(end: number, into: Uint8Array[]): void {
    for (;;) {
      const aligned = this.#aligned[this.#alignedPart];
      if (aligned === undefined || aligned.offset >= end) break;
      const from = Math.max(this.#at, aligned.offset);
      const to = Math.min(end, aligned.offset + aligned.length);
      if (to > from) into.push(new Uint8Array(to - from));
      if (aligned.offset + aligned.length > end) break;
      this.#alignedPart++;
    }
    this.#at = end;
  }
}
