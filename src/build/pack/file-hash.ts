import { closeSync, openSync, readSync } from "node:fs";

const PIECE_BYTES = 4 << 20;

/** Adds the bytes of a file from `offset` on to a hash; throws the reason of the signal. */
export async function hashFile(
  path: string,
  offset: number,
  hash: Bun.CryptoHasher,
  signal: AbortSignal,
): Promise<void> {
  const fd = openSync(path, "r");
  try {
    const buffer = new Uint8Array(PIECE_BYTES);
    for (let at = offset; ; ) {
      const count = readSync(fd, buffer, 0, PIECE_BYTES, at);
      if (count === 0) return;
      hash.update(buffer.subarray(0, count));
      at += count;
      await Bun.sleep(0);
      signal.throwIfAborted();
    }
  } finally {
    closeSync(fd);
  }
}
