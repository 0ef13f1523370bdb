import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";

const PIECE_BYTES = 4 * 1024 * 1024;

/** Moves all of a file from one offset on to another one. */
export function moveTail(path: string, from: number, to: number): void {
  if (from === to) return;
  const fd = openSync(path, "r+");
  try {
    const length = fstatSync(fd).size - from;
    const buffer = new Uint8Array(Math.min(PIECE_BYTES, length));
    for (let done = 0; done < length; ) {
      const count = Math.min(buffer.length, length - done);
      // Upwards the end goes first, so that nothing is overwritten that is still to be read.
      const at = to > from ? length - done - count : done;
      for (let got = 0; got < count; ) {
        const read = readSync(fd, buffer, got, count - got, from + at + got);
        if (read === 0) throw new Error(`"${path}" became shorter`);
        got += read;
      }
      for (let put = 0; put < count; ) {
        put += writeSync(fd, buffer, put, count - put, to + at + put);
      }
      done += count;
    }
    ftruncateSync(fd, to + length);
  } finally {
    closeSync(fd);
  }
}
