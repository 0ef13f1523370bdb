import { read } from "node:fs";

/*
 * A thread that hashes ranges of an open file, for hash-file.ts: hashing one byte after another is all
 * that keeps verification from being faster, so nothing else is done on this thread, and the file is
 * read ahead on another.
 */

/** What the thread is asked. Names of hashes are those of Bun.CryptoHasher. */
export interface HashQuestion {
  readonly fd: number;
  readonly ranges: readonly { readonly offset: number; readonly sizeBytes: number }[];
  readonly hashes: readonly string[];
}

/** Digests in hexadecimal in the order of the hashes; or why there are none: an errno name, or "short" for a file that ends too early. */
export type HashAnswer = { readonly digests: readonly string[] } | { readonly failure: string };

declare const self: Worker;

const CHUNK_BYTES = 1024 * 1024;
const BUFFERS = 2;

self.onmessage = (event: MessageEvent<HashQuestion>): void => {
  answer(event.data).then(
    (digests) => self.postMessage({ digests } satisfies HashAnswer),
    (error: { code?: string }) =>
      self.postMessage({ failure: error.code ?? String(error) } satisfies HashAnswer),
  );
};

async function answer({ fd, ranges, hashes }: HashQuestion): Promise<string[]> {
  const hashers = hashes.map((name) => new Bun.CryptoHasher(name as Bun.SupportedCryptoAlgorithms));
  const chunks = ranges.flatMap(({ offset, sizeBytes }) => chunksOf(offset, sizeBytes));
  const buffers = Array.from({ length: BUFFERS }, () => new Uint8Array(CHUNK_BYTES));
  const pending = new Map<number, Promise<Uint8Array>>();
  const ask = (index: number): void => {
    const chunk = chunks[index];
    const buffer = buffers[index % BUFFERS];
    if (chunk === undefined || buffer === undefined) return;
    const filling = fill(fd, buffer.subarray(0, chunk.sizeBytes), chunk.offset);
    // Whoever waits for it is told; the others behind it are not waited for any more then.
    filling.catch(() => {});
    pending.set(index, filling);
  };
  for (let i = 0; i < BUFFERS; i++) ask(i);
  for (const index of chunks.keys()) {
    const bytes = await pending.get(index);
    pending.delete(index);
    if (bytes !== undefined) for (const hasher of hashers) hasher.update(bytes);
    ask(index + BUFFERS);
  }
  return hashers.map((hasher) => hasher.digest("hex"));
}

function chunksOf(offset: number, sizeBytes: number): HashQuestion["ranges"] {
  const count = Math.ceil(sizeBytes / CHUNK_BYTES);
  return Array.from({ length: count }, (_, i) => ({
    offset: offset + i * CHUNK_BYTES,
    sizeBytes: Math.min(CHUNK_BYTES, sizeBytes - i * CHUNK_BYTES),
  }));
}

/** Fills the whole of `out` from an offset of a file. */
async function fill(fd: number, out: Uint8Array, offset: number): Promise<Uint8Array> {
  for (let filled = 0; filled < out.length; ) {
    const count = await new Promise<number>((resolve, reject) => {
      const rest = out.subarray(filled);
      read(fd, rest, 0, rest.length, offset + filled, (error, bytes) =>
        error === null ? resolve(bytes) : reject(error),
      );
    });
    if (count === 0) throw { code: "short" };
    filled += count;
  }
  return out;
}
