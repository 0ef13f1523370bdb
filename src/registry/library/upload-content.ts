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
  /** The bytes from `start` to `end`: of a file, or as they come from elsewhere. */
  read(start: number, end: number): Blob | AsyncIterable<Uint8Array>;
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
  if (!(found instanceof Blob)) return yield* found;
  for (let at = 0; at < found.size; at += PIECE_BYTES) {
    yield await found.slice(at, at + PIECE_BYTES).bytes();
  }
}

/** A part for itself, to be read more than once: what comes from elsewhere is held in memory. */
export async function heldPart(
  content: UploadContent,
  start: number,
  end: number,
): Promise<Pick<UploadContent, "read">> {
  const found = content.read(start, end);
  if (found instanceof Blob) return { read: (from, to) => found.slice(from, to) };
  if (end - start > HELD_BYTES) {
    return { read: (from, to) => content.read(start + from, start + to) };
  }
  const held = new Uint8Array(end - start);
  let at = 0;
  for await (const piece of found) {
    held.set(piece, at);
    at += piece.length;
  }
  const blob = new Blob([held]);
  return { read: (from, to) => blob.slice(from, to) };
}
