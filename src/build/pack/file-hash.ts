import { closeSync, openSync, readSync } from "node:fs";

const PIECE_BYTES = 4 << 20;

/** Adds the bytes of a file from `offset` on to a hash, all or so many; throws the reason of the signal. */
export async function hashFile(
  path: string,
  offset: number,
  hash: Bun.CryptoHasher,
  signal: AbortSignal,
  sizeBytes: number = Number.POSITIVE_INFINITY,
): Promise<void> {
  const fd = openSync(path, "r");
  try {
    const buffer = new Uint8Array(PIECE_BYTES);
    const end = offset + sizeBytes;
    for (let at = offset; at < end; ) {
      const count = readSync(fd, buffer, 0, Math.min(PIECE_BYTES, end - at), at);
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
