import type { FileHandle } from "node:fs/promises";
import { joinBytes } from "../../base/join-bytes.ts";
import { WriteBack } from "../write-back.ts";
import type { Twin } from "./twin.ts";

const BATCH_BYTES = 1 << 20;

/** Writes pieces to a file, and to its twin, on threads beside this one, while they are hashed here. */
export class HashingWriter {
  readonly #file: FileHandle;
  readonly #twin: Twin | undefined;
  readonly #hash: Bun.CryptoHasher;
  readonly #writeBack: WriteBack;
  #at: number;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(file: FileHandle, hash: Bun.CryptoHasher, at: number, twin: Twin | undefined) {
    this.#file = file;
    this.#hash = hash;
    this.#at = at;
    this.#twin = twin;
    this.#writeBack = new WriteBack(file.fd, at);
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
    this.#writeBack.writtenTo(this.#at);
    const batch = this.#batch;
    this.#writing = Promise.all([
      writeAt(this.#file, batch, this.#at),
      this.#twin?.write(batch, this.#at),
    ]);
    // Met when it is awaited.
    this.#writing.catch(() => {});
    for (const piece of batch) this.#hash.update(piece);
    this.#at += this.#batchBytes;
    this.#batch = [];
    this.#batchBytes = 0;
  }
}

/** Writes pieces one after another from a position on. */
export async function writeAt(
  file: FileHandle,
  pieces: readonly Uint8Array[],
  position: number,
): Promise<void> {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  let { bytesWritten: done } = await file.writev([...pieces], position);
  if (done === length) return;
  for (const rest = joinBytes(pieces); done < length; ) {
    done += (await file.write(rest, done, length - done, position + done)).bytesWritten;
  }
}
