import { Fault } from "../../base/fault.ts";

/** Longest time without a byte before a body counts as broken off. */
const IDLE_MS = 60_000;

/**
 * The pieces of a body as they come. Throws when the connection breaks or nothing comes for a
 * minute; leaving the loop early ends the connection.
 */
export async function* readPieces(
  response: Response,
  idleMs: number = IDLE_MS,
): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  let isDone = false;
  try {
    for (;;) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const idle = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error("nothing came for a minute")), idleMs);
      });
      try {
        const { done, value } = await Promise.race([reader.read(), idle]);
        isDone = done;
        if (done) return;
        if (value.length > 0) yield value;
      } finally {
        clearTimeout(timer);
      }
    }
  } finally {
    if (!isDone) reader.cancel().catch(() => {});
  }
}

/** A whole body of at most `limitBytes`. Throws a Fault for a longer one; `what` names it. */
export async function readWhole(
  response: Response,
  limitBytes: number,
  what: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const piece of readPieces(response)) {
      size += piece.length;
      if (size > limitBytes) {
        throw new Fault("invalid", `Cannot read ${what}: it is longer than ${limitBytes} bytes`);
      }
      pieces.push(piece);
    }
  } catch (error) {
    if (error instanceof Fault) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new Fault("io", `Cannot read ${what}: the connection broke (${why})`, { cause: error });
  }
  return new Uint8Array(Buffer.concat(pieces));
}
