/**
 * Hands bytes to a program's standard input. Where the pipe is full this gives a promise, against its
 * type, that fails when the program has ended: flush() tells the same, so nobody waits for this one.
 */
export function putPiece(stdin: { write(piece: Uint8Array): unknown }, piece: Uint8Array): void {
  const written = stdin.write(piece);
  if (written instanceof Promise) written.catch(() => undefined);
}
