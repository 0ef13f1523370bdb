import { open } from "node:fs/promises";
import { Fault } from "../../../base/fault.ts";

const PIECE_BYTES = 512 * 1024;

/** Part of a file in pieces: `lengthBytes` from `offset`, to its end when undefined. */
export async function* readRange(
  path: string,
  offset: number,
  lengthBytes: number | undefined,
): AsyncGenerator<Uint8Array> {
  const file = await open(path, "r").catch((cause: unknown) => {
    throw readFault(path, cause);
  });
  try {
    let left = lengthBytes ?? Number.POSITIVE_INFINITY;
    for (let at = offset; left > 0; ) {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, left));
      const { bytesRead } = await file.read(piece, 0, piece.length, at);
      if (bytesRead === 0) {
        if (lengthBytes === undefined) return;
        throw new Fault("invalid", `Cannot read "${path}": it is cut off`);
      }
      at += bytesRead;
      left -= bytesRead;
      yield piece.subarray(0, bytesRead);
    }
  } catch (cause) {
    throw readFault(path, cause);
  } finally {
    await file.close();
  }
}

function readFault(path: string, cause: unknown): Fault {
  if (cause instanceof Fault) return cause;
  const isMissing = (cause as NodeJS.ErrnoException).code === "ENOENT";
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Fault(isMissing ? "not-found" : "io", `Cannot read "${path}": ${reason}`, { cause });
}
