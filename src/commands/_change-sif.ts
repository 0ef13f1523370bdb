import type { ByteSource } from "../base/byte-source.ts";
import { errnoText } from "../base/errno-text.ts";
import { Fault } from "../base/fault.ts";
import type { SifWrite } from "../format/sif/edit.ts";
import { readSif, type SifImage } from "../format/sif/image.ts";
import { type OpenFile, openFile } from "../host/open-file.ts";
import {
  close,
  flock,
  fsync,
  ftruncate,
  O_CREAT,
  O_EXCL,
  O_RDWR,
  O_WRONLY,
  open,
  pwrite,
} from "../host/syscall.ts";

const CHUNK_BYTES = 1024 * 1024;
const LOCK_NOW = 2 | 4;

/** Opens a file for reading; a Fault in the kernel's words when that fails. Directories count as unreadable. */
export function openForReading(path: string): OpenFile {
  const file = openFile(path);
  if (typeof file === "number") throw openFault(path, -file);
  if (file.stat.kind === "file") return file;
  file.close();
  throw new Fault(
    "invalid",
    `read ${path}: ${file.stat.kind === "dir" ? "is a directory" : "not a regular file"}`,
  );
}

/** Reads the table of a SIF, which may be cut off behind it, and closes the file. */
export function readSifTable(path: string): SifImage {
  const file = openForReading(path);
  try {
    return readSif(file.source, false);
  } finally {
    file.close();
  }
}

/** A SIF that is being changed: locked against a second change until it is closed. */
export interface OpenSif {
  readonly image: SifImage;
  readonly sizeBytes: number;
  /** Copies a source to an offset behind all objects and waits until it is on disk; undone when it fails. `sparse`: zeros take no room. */
  append(offset: number, source: ByteSource, sparse?: boolean): void;
  /** Carries the writes out in their order and waits until they are on disk. */
  write(writes: readonly SifWrite[]): void;
  /** Cuts off what lies behind the last object. */
  truncate(sizeBytes: number): void;
}

/**
 * Opens a SIF, lets `change` work on it, and closes it. Throws a Fault when it cannot be opened for
 * writing, when another process is changing it, or when writing fails (`io`).
 */
export function changeSif(path: string, change: (file: OpenSif) => void): void {
  const reader = openForReading(path);
  const fd = open(path, O_RDWR);
  try {
    if (fd < 0) throw openFault(path, -fd);
    if (flock(fd, LOCK_NOW) < 0) {
      throw new Fault("denied", `open ${path}: another process is changing it`, {
        hint: "wait for it, then try again",
      });
    }
    const image = readSif(reader.source);
    const sizeBytes = reader.source.sizeBytes;
    change({
      image,
      sizeBytes,
      append: (offset, source, sparse = false) => {
        append(fd, path, sizeBytes, offset, source, sparse);
      },
      write: (writes) => {
        for (const { offset, bytes } of writes) writeAll(fd, path, bytes, offset);
        sync(fd, path);
      },
      truncate: (length) => void ftruncate(fd, length),
    });
  } finally {
    if (fd >= 0) close(fd);
    reader.close();
  }
}

function append(
  fd: number,
  path: string,
  sizeBytes: number,
  offset: number,
  source: ByteSource,
  sparse: boolean,
): void {
  try {
    for (let at = 0; at < source.sizeBytes; at += CHUNK_BYTES) {
      const length = Math.min(CHUNK_BYTES, source.sizeBytes - at);
      const bytes = source.read(at, length);
      // Inside the old file old bytes may lie: those of deleted objects.
      const isHole = sparse && offset + at >= sizeBytes && bytes.every((byte) => byte === 0);
      if (!isHole) writeAll(fd, path, bytes, offset + at);
    }
    // What ends in a hole, or is an empty object behind padding: nothing else makes the file that long.
    const end = offset + source.sizeBytes;
    if ((sparse || source.sizeBytes === 0) && end > sizeBytes) ftruncate(fd, end);
    // The table must not name an object that is not there yet.
    sync(fd, path);
  } catch (error) {
    ftruncate(fd, sizeBytes);
    throw error;
  }
}

/**
 * Writes a new file with these bytes, in place of what was there: under a temporary name beside it
 * first, so that nobody sees half of it. Mode 0755 less the mask, as an image may be a program.
 */
export function writeNewFile(
  path: string,
  bytes: Uint8Array,
  rename: (from: string) => void,
): void {
  const temporary = `${path}.${process.pid}.part`;
  const fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o755);
  if (fd < 0) throw openFault(path, -fd);
  try {
    writeAll(fd, path, bytes, 0);
    sync(fd, path);
  } finally {
    close(fd);
  }
  rename(temporary);
}

function writeAll(fd: number, path: string, bytes: Uint8Array, offset: number): void {
  let done = 0;
  while (done < bytes.length) {
    const count = pwrite(fd, bytes.subarray(done), offset + done);
    const EINTR = -4;
    if (count === EINTR) continue;
    if (count <= 0) throw new Fault("io", `write ${path}: ${errnoText(-count)}`);
    done += count;
  }
}

function sync(fd: number, path: string): void {
  const status = fsync(fd);
  if (status < 0) throw new Fault("io", `write ${path}: ${errnoText(-status)}`);
}

function openFault(path: string, errno: number): Fault {
  return new Fault(errno === 2 ? "not-found" : "denied", `open ${path}: ${errnoText(errno)}`);
}
