import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { BuildPorts } from "../stage.ts";

const PIECE_BYTES = 4 << 20;
/** A file changed so recently may change again without a newer time. */
const RACY_MS = 2000;

/**
 * SHA-256 of a file's content; undefined when it cannot be read. Large images are read once: their
 * digest is remembered until device, inode, size or one of the times of the file changes.
 */
export async function fileDigest(
  path: string,
  memo: BuildPorts["memo"],
  signal: AbortSignal,
): Promise<string | undefined> {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return undefined;
  }
  try {
    const stat = fstatSync(fd, { bigint: true });
    const state = [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(" ");
    const name = `file-${new Bun.CryptoHasher("sha256").update(state).digest("hex")}`;
    const known = memo?.get(name);
    if (known !== undefined) return known;
    const hash = new Bun.CryptoHasher("sha256");
    const buffer = new Uint8Array(PIECE_BYTES);
    for (;;) {
      const count = readSync(fd, buffer, 0, PIECE_BYTES, null);
      if (count === 0) break;
      hash.update(buffer.subarray(0, count));
      await Bun.sleep(0);
      signal.throwIfAborted();
    }
    const digest = hash.digest("hex");
    if (Date.now() - Number(stat.ctimeMs) > RACY_MS) memo?.set(name, digest);
    return digest;
  } catch {
    signal.throwIfAborted();
    return undefined;
  } finally {
    closeSync(fd);
  }
}
