import { addressOf, call, SYS } from "./_raw-call.ts";
import { close, O_RDONLY, open } from "./syscall.ts";

const F_OFD_GETLK = 36;
const F_RDLCK = 0;
const F_UNLCK = 2;
/** struct flock: i16 type · i16 whence · 4 unused · i64 start · i64 length · i32 process · 4 unused. */
const FLOCK_BYTES = 32;

/**
 * Whether somebody writes to bytes of a file: launches lock what they mount writable (starter/lock.c). A
 * file that cannot be opened, and a file system without locks, have none.
 */
export function isBeingWritten(path: string, offsetBytes: number, sizeBytes: number): boolean {
  const fd = open(path, O_RDONLY);
  if (fd < 0) return false;
  try {
    const range = new DataView(new ArrayBuffer(FLOCK_BYTES));
    range.setInt16(0, F_RDLCK, true);
    range.setBigInt64(8, BigInt(offsetBytes), true);
    range.setBigInt64(16, BigInt(sizeBytes), true);
    const status = call(SYS.fcntl, fd, F_OFD_GETLK, addressOf(new Uint8Array(range.buffer)));
    return status === 0 && range.getInt16(0, true) !== F_UNLCK;
  } finally {
    close(fd);
  }
}
