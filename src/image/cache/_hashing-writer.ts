import { readSync } from "node:fs";
import { type BlockDigest, digestBeside, digestHere } from "./_block-digest.ts";
import { type Blocks, blockAt, largeBlocks, smallBlocks } from "./_blocks.ts";

/** What blocks are written to, one after another. */
export interface BlockSink {
  write(bytes: Uint8Array, position: number): Promise<void>;
}

/** From so many bytes on, a file is worth a thread of its own to hash it. */
export const LARGE_BYTES: number = 64 * 1024 * 1024;

/**
 * Writes pieces to several files, on threads beside this one, while they are hashed:
 *
 *   pieces ─► block ─┬─► each sink, in order
 *                    └─► digest            and when all have it, it is filled again
 */
export class HashingWriter {
  readonly #blocks: Blocks;
  readonly #digest: BlockDigest;
  readonly #sinks: readonly BlockSink[];
  /** For each sink, that it has written all it was given. */
  #written: Promise<void>[];
  /** For each block, that nobody needs it any more. */
  readonly #free: Promise<unknown>[];
  #at = 0;
  #index = 0;
  #filled = 0;

  constructor(sinks: readonly BlockSink[], sizeBytes: number) {
    const isLarge = sizeBytes >= LARGE_BYTES;
    this.#blocks = isLarge ? largeBlocks() : smallBlocks();
    this.#digest = isLarge ? digestBeside(this.#blocks) : digestHere(this.#blocks);
    this.#sinks = sinks;
    this.#written = sinks.map(() => Promise.resolve());
    this.#free = Array.from({ length: this.#blocks.count }, () => Promise.resolve());
  }

  /** Hashes what a file has already, at most `limit` bytes; gives its length, where writing begins. */
  async readFrom(fd: number, limit: number): Promise<number> {
    const { blockBytes } = this.#blocks;
    for (;;) {
      const block = blockAt(this.#blocks, this.#index, Math.min(blockBytes, limit - this.#at));
      const count = readSync(fd, block, 0, block.length, this.#at);
      if (count === 0) return this.#at;
      this.#at += count;
      await this.#pass([this.#digest.add(this.#index, count)]);
    }
  }

  async add(piece: Uint8Array): Promise<void> {
    const { blockBytes } = this.#blocks;
    for (let from = 0; from < piece.length; ) {
      const part = piece.subarray(from, from + blockBytes - this.#filled);
      const block = blockAt(this.#blocks, this.#index, blockBytes);
      block.set(part, this.#filled);
      this.#filled += part.length;
      from += part.length;
      if (this.#filled === blockBytes) await this.#flush();
    }
  }

  /** Everything is written; throws what a write threw. */
  async end(): Promise<void> {
    await this.#flush();
    await Promise.all(this.#written);
  }

  /** The SHA-256 of everything in hexadecimal, after the end; undefined where there was no thread for it. */
  async digest(): Promise<string | undefined> {
    return await this.#digest.finish();
  }

  /** Ends the thread. */
  close(): void {
    this.#digest.stop();
  }

  async #flush(): Promise<void> {
    const length = this.#filled;
    if (length === 0) return;
    const bytes = blockAt(this.#blocks, this.#index, length);
    const position = this.#at;
    this.#at += length;
    this.#filled = 0;
    this.#written = this.#sinks.map(async (sink, i) => {
      // A sink that failed gets nothing more, so that what it has is whole as far as it goes.
      await this.#written[i];
      await sink.write(bytes, position);
    });
    await this.#pass([...this.#written, this.#digest.add(this.#index, length)]);
  }

  /** Goes on to the next block, when it is free; throws what a write threw. */
  async #pass(users: readonly Promise<void>[]): Promise<void> {
    const used = Promise.all(users);
    // Met when it is awaited.
    used.catch(() => {});
    this.#free[this.#index] = used;
    this.#index = (this.#index + 1) % this.#blocks.count;
    await this.#free[this.#index];
  }
}
