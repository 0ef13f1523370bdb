/** Of a whole file, in hexadecimal. */
export interface FileDigests {
  readonly sha256: string;
  readonly md5: string;
}

/** What is sent to a library. */
export interface UploadContent {
  readonly sizeBytes: number;
  /** Where they are known before it is read. */
  readonly digests?: FileDigests;
  /** The bytes from `start` to `end`: of a file, in memory, or as they come from elsewhere. */
  read(start: number, end: number): Blob | Uint8Array<ArrayBuffer> | AsyncIterable<Uint8Array>;
}

const PIECE_BYTES = 4 << 20;
/** Longer parts, which no known library asks for, are read twice instead. */
const HELD_BYTES = 128 << 20;

/** The bytes from `start` to `end`, in pieces. */
export async function* piecesOf(
  content: Pick<UploadContent, "read">,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  const found = content.read(start, end);
  if (found instanceof Uint8Array) return yield found;
  if (!(found instanceof Blob)) return yield* found;
  for (let at = 0; at < found.size; at += PIECE_BYTES) {
    yield await found.slice(at, at + PIECE_BYTES).bytes();
  }
}

/**
 * Gives parts of a file, one after another, to be read more than once: what comes from elsewhere is
 * held in memory, until the next is asked for.
 */
export function partsOf(
  content: UploadContent,
): (start: number, end: number) => Promise<Pick<UploadContent, "read">> {
  // One for all of them: the collector would leave many behind.
  let room = new Uint8Array(0);
  return async (start, end) => {
    const found = content.read(start, end);
    if (found instanceof Blob) return { read: (from, to) => found.slice(from, to) };
    const length = end - start;
    if (found instanceof Uint8Array || length > HELD_BYTES) {
      return { read: (from, to) => content.read(start + from, start + to) };
    }
    if (room.length < length) room = new Uint8Array(length);
    let at = 0;
    for await (const piece of found) {
      room.set(piece, at);
      at += piece.length;
    }
    return { read: (from, to) => room.subarray(from, to) };
  };
}
