import type { FileHandle } from "node:fs/promises";
import { joinBytes } from "../../base/join-bytes.ts";

const BATCH_BYTES = 1 << 20;

/** Writes pieces to a file on a thread beside this one, while they are hashed here. */
export class HashingWriter {
  readonly #file: FileHandle;
  readonly #hash: Bun.CryptoHasher;
  #at: number;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: FileHandle, hash: Bun.CryptoHasher, at: number) {
    this.#file = file;
    this.#hash = hash;
    this.#at = at;
  }

  async add(piece: Uint8Array): Promise<void> {
    this.#batch.push(piece);
    this.#batchBytes += piece.length;
    if (this.#batchBytes >= BATCH_BYTES) await this.#flush();
  }

  /** Everything is written; throws what a write threw. */
  async end(): Promise<void> {
    await this.#flush();
    await this.#writing;
  }

  async #flush(): Promise<void> {
    await this.#writing;
    const batch = this.#batch;
    this.#writing = this.#write(batch, this.#at);
    // Met when it is awaited.
    this.#writing.catch(() => {});
    for (const piece of batch) this.#hash.update(piece);
    this.#at += this.#batchBytes;
    this.#batch = [];
    this.#batchBytes = 0;
  }

  async #write(batch: readonly Uint8Array[], position: number): Promise<void> {
    const length = batch.reduce((sum, piece) => sum + piece.length, 0);
    let { bytesWritten: done } = await this.#file.writev([...batch], position);
    if (done === length) return;
    for (const rest = joinBytes(batch); done < length; ) {
      done += (await this.#file.write(rest, done, length - done, position + done)).bytesWritten;
    }
  }
}
