import { hashFile } from "./file-hash.ts";

/** An id, in the form of a random UUID, that is the same whenever the content is: parts, and the file from `offset` on. */
export async function contentId(
  path: string,
  offset: number,
  parts: readonly (Uint8Array | string)[],
  signal: AbortSignal,
): Promise<Uint8Array> {
  const hash = new Bun.CryptoHasher("sha256");
  for (const part of parts) hash.update(part);
  await hashFile(path, offset, hash, signal);
  const id = new Uint8Array(hash.digest()).slice(0, 16);
  id[6] = ((id[6] ?? 0) & 0x0f) | 0x40;
  id[8] = ((id[8] ?? 0) & 0x3f) | 0x80;
  return id;
}
