import { type ByteSource, checkRange } from "../base/byte-source.ts";
import { errnoText } from "../base/errno-text.ts";
import { Fault } from "../base/fault.ts";
import type { FileStat } from "./file-stat.ts";
import { close, fstat, O_NONBLOCK, O_RDONLY, open, pread } from "./syscall.ts";

/** A file open for reading in ranges. */
export interface OpenFile {
  readonly fd: number;
  /** Facts at the time it was opened; `sizeBytes` bounds what `source` gives. */
  readonly stat: FileStat;
  readonly source: ByteSource;
  /** Gives the descriptor back; it is closed by execve in any case. */
  close(): void;
}

/**
 * Opens a file for reading; never waits for the other end of a FIFO. Gives minus the errno when it
 * cannot be opened. Reads fill the whole range or throw a Fault: `invalid` beyond the end (also when
 * the file has shrunk since), `io` when the kernel reports an error.
 */
export function openFile(path: string): OpenFile | number {
  const fd = open(path, O_RDONLY | O_NONBLOCK);
  if (fd < 0) return fd;
  const stat = fstat(fd);
  if (stat === undefined) {
    close(fd);
    return -9;
  }
  const source: ByteSource = {
    sizeBytes: stat.kind === "file" ? stat.sizeBytes : 0,
    read(offset, length) {
      checkRange(offset, length, this.sizeBytes);
      return readRange(fd, path, offset, length);
    },
  };
  return { fd, stat, source, close: () => void close(fd) };
}

/** Bytes behind an open descriptor, such as a device, of which there are at most `sizeBytes`. `path` is for faults. */
export function descriptorSource(fd: number, path: string, sizeBytes: number): ByteSource {
  return {
    sizeBytes,
    read(offset, length) {
      checkRange(offset, length, sizeBytes);
      return readRange(fd, path, offset, length);
    },
  };
}

function readRange(fd: number, path: string, offset: number, length: number): Uint8Array {
  const out = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const count = pread(fd, filled === 0 ? out : out.subarray(filled), offset + filled);
    if (count < 0) {
      const EINTR = -4;
      if (count === EINTR) continue;
      throw new Fault("io", `Cannot read "${path}" at offset ${offset}: ${errnoText(-count)}`);
    }
    if (count === 0) {
      throw new Fault(
        "invalid",
        `Cannot read "${path}" at offset ${offset}: the file has become shorter`,
      );
    }
    filled += count;
  }
  return out;
}
