import { open, rm } from "node:fs/promises";
import { Fault } from "../../base/fault.ts";

const PIECE_BYTES = 1 << 20;

/**
 * The content of a file in pieces of up to 1 MiB. Size and digest are checked on the way, and the
 * last piece is given only when they are right. Throws a Fault for a damaged file, which is removed
 * so that the next attempt fetches it again; `what` names it.
 */
export async function* readVerified(
  path: string,
  digest: string,
  sizeBytes: number,
  what: string,
): AsyncGenerator<Uint8Array> {
  const file = await open(path, "r");
  const hash = new Bun.CryptoHasher("sha256");
  let held: Uint8Array | undefined;
  let at = 0;
  try {
    for (;;) {
      const buffer = new Uint8Array(Math.max(1, Math.min(PIECE_BYTES, sizeBytes - at)));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      const piece = buffer.subarray(0, bytesRead);
      hash.update(piece);
      if (held !== undefined) yield held;
      held = piece;
      if (at > sizeBytes) break;
    }
  } finally {
    await file.close();
  }
  const found = `sha256:${hash.digest("hex")}`;
  if (at !== sizeBytes || found !== digest) {
    await rm(path, { force: true }).catch(() => {});
    throw new Fault("invalid", `Cannot use ${what}: its copy in the cache, "${path}", is damaged`, {
      hint: "try again: it has been removed and is fetched again",
    });
  }
  if (held !== undefined) yield held;
}
