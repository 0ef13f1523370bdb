import type { FileKind } from "../base/file-view.ts";
import {
  AT_FDCWD,
  bufferCall,
  call,
  EAGAIN,
  isAscii,
  pathAt,
  pathCall,
  RESULT,
  RESULT_AT,
  RESULT_VIEW,
  roughTextOf,
  SYS,
  textOf,
} from "./_raw-call.ts";
import { type FileStat, kindOf, readStat, STATX_BASIC } from "./file-stat.ts";
import { notePath, noteWritable } from "./launch-trace.ts";

/*
 * Files by raw system calls; see _raw-call.ts for why and for the rules: nothing throws, a number
 * below 0 is minus the errno, `undefined` has its reason in lastErrno(). The calls about this process
 * (ids, directory, terminal, execve) are in process-calls.ts.
 */
export { lastErrno } from "./_raw-call.ts";

export const O_RDONLY: number = 0;
export const O_WRONLY: number = 1;
export const O_RDWR: number = 2;
export const O_CREAT: number = 0o100;
export const O_EXCL: number = 0o200;
export const O_TRUNC: number = 0o1000;
export const O_APPEND: number = 0o2000;
export const O_NONBLOCK: number = 0o4000;
export const O_CLOEXEC: number = 0o2000000;
export const O_PATH: number = 0o10000000;
export const O_DIRECTORY: number = SYS.O_DIRECTORY;
/** A file without a name, in the directory that the path names. */
export const O_TMPFILE: number = 0o20000000 | SYS.O_DIRECTORY;
export const O_NOFOLLOW: number = SYS.O_NOFOLLOW;
export const F_OK: number = 0;
export const X_OK: number = 1;
export const W_OK: number = 2;
export const R_OK: number = 4;

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_REMOVEDIR = 0x200;
const AT_EMPTY_PATH = 0x1000;

/** open(2), always with O_CLOEXEC: a descriptor, or minus the errno. */
export function open(path: string, flags: number, mode: number = 0): number {
  notePath(path, (flags & O_PATH) === 0 ? "content" : "look");
  return pathCall(SYS.openat, path, flags | O_CLOEXEC, mode);
}

export function close(fd: number): number {
  return call(SYS.close, fd);
}

/** Bytes read into the front of `buffer`, 0 at the end, or minus the errno. */
export function read(fd: number, buffer: Uint8Array): number {
  return bufferCall(SYS.read, fd, buffer);
}

/** The same at an offset (bytes, up to 2^53), leaving the file position alone. */
export function pread(fd: number, buffer: Uint8Array, offsetBytes: number): number {
  return bufferCall(SYS.pread64, fd, buffer, offsetBytes);
}

/** Bytes written, possibly fewer than given, or minus the errno. */
export function write(fd: number, bytes: Uint8Array): number {
  return bufferCall(SYS.write, fd, bytes);
}

export function pwrite(fd: number, bytes: Uint8Array, offsetBytes: number): number {
  return bufferCall(SYS.pwrite64, fd, bytes, offsetBytes);
}

export function fsync(fd: number): number {
  return call(SYS.fsync, fd);
}

export function ftruncate(fd: number, sizeBytes: number): number {
  return call(SYS.ftruncate, fd, sizeBytes);
}

/** Takes room for the first `sizeBytes` of a file, which read as zeros where nothing was written: 0, or minus the errno. */
export function fallocate(fd: number, sizeBytes: number): number {
  return call(SYS.fallocate, fd, 0, 0, sizeBytes);
}

/** flock(2): operation 1 shared, 2 exclusive, 8 unlock; plus 4 for "do not wait". */
export function flock(fd: number, operation: number): number {
  return call(SYS.flock, fd, operation);
}

/** Facts about an open file. */
export function fstat(fd: number): FileStat | undefined {
  return statx(fd, "", AT_EMPTY_PATH);
}

/** Facts about a path, symbolic links followed. */
export function stat(path: string): FileStat | undefined {
  notePath(path, "look");
  return statx(AT_FDCWD, path, 0);
}

/** Facts about a path; of the link itself when it is one. */
export function lstat(path: string): FileStat | undefined {
  notePath(path, "look");
  return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
}

function statx(fd: number, path: string, flags: number): FileStat | undefined {
  const at = pathAt(path);
  if (at < 0) return undefined;
  return call(SYS.statx, fd, at, flags, STATX_BASIC, RESULT_AT) < 0 ? undefined : readStat();
}

/** Text of a symbolic link. */
export function readlink(path: string): string | undefined {
  // The name of a file that this process opened itself: it noted what it opened.
  if (!path.startsWith("/proc/self/fd/")) notePath(path, "look");
  const length = pathCall(SYS.readlinkat, path, RESULT_AT, RESULT.length);
  return length < 0 ? undefined : textOf(RESULT.subarray(0, length));
}

/** One name in a directory. On file systems that do not tell kinds `kind` is absent. */
export interface DirEntry {
  readonly name: string;
  readonly kind: FileKind | undefined;
}

/** Entries of a directory without `.` and `..`, in the file system's order. */
export function listDir(path: string): DirEntry[] | undefined {
  const fd = open(path, O_RDONLY | O_DIRECTORY);
  if (fd < 0) return undefined;
  const out: DirEntry[] = [];
  try {
    for (;;) {
      const filled = call(SYS.getdents64, fd, RESULT_AT, RESULT.length);
      if (filled < 0) return undefined;
      if (filled === 0) return out;
      addRecords(out, filled);
    }
  } finally {
    close(fd);
  }
}

/**
 * struct linux_dirent64: u64 inode, u64 offset, u16 record length, u8 type, name, NUL. A block is
 * decoded at once and names are cut out of it: one decoder call a name took three times as long.
 */
function addRecords(out: DirEntry[], filled: number): void {
  const rough = roughTextOf(RESULT.subarray(0, filled));
  for (let at = 0; at < filled; at += RESULT_VIEW.getUint16(at + 16, true)) {
    const start = at + 19;
    const end = rough.indexOf("\0", start);
    let name = rough.slice(start, end);
    if (name === "." || name === "..") continue;
    if (!isAscii(name)) name = textOf(RESULT.subarray(start, end));
    const type = RESULT[at + 18] ?? 0;
    out.push({ name, kind: type === 0 ? undefined : kindOf(type) });
  }
}

/** access(2), which asks for the real ids: 0 when all of `mode` (R_OK, W_OK, X_OK, F_OK) is allowed, or minus the errno. */
export function access(path: string, mode: number): number {
  notePath(path, "look");
  const answer = pathCall(SYS.faccessat, path, mode);
  if ((mode & W_OK) !== 0) noteWritable(path, answer === 0);
  return answer;
}

export function mkdir(path: string, mode: number): number {
  return pathCall(SYS.mkdirat, path, mode);
}

/** rename(2): 0, or minus the errno. An existing target is replaced. */
export function rename(from: string, to: string): number {
  const fromAt = pathAt(from);
  const toAt = pathAt(to, 1);
  if (fromAt < 0 || toAt < 0) return Math.min(fromAt, toAt);
  return call(SYS.renameat2, AT_FDCWD, fromAt, AT_FDCWD, toAt, 0);
}

/** Gives the file behind a descriptor (opened with O_TMPFILE) a name: 0, or minus the errno. */
export function linkDescriptor(fd: number, path: string): number {
  const AT_SYMLINK_FOLLOW = 0x400;
  const fromAt = pathAt(`/proc/self/fd/${fd}`);
  const toAt = pathAt(path, 1);
  if (fromAt < 0 || toAt < 0) return Math.min(fromAt, toAt);
  return call(SYS.linkat, AT_FDCWD, fromAt, AT_FDCWD, toAt, AT_SYMLINK_FOLLOW);
}

export function unlink(path: string): number {
  return pathCall(SYS.unlinkat, path, 0);
}

export function rmdir(path: string): number {
  return pathCall(SYS.unlinkat, path, AT_REMOVEDIR);
}

/** Value of an extended attribute of the link itself, at most 64 KiB. */
export function lgetxattr(path: string, name: string): Uint8Array | undefined {
  const at = pathAt(path);
  const nameAt = pathAt(name, 1);
  if (at < 0 || nameAt < 0) return undefined;
  const length = call(SYS.lgetxattr, at, nameAt, RESULT_AT, RESULT.length);
  return length < 0 ? undefined : RESULT.slice(0, length);
}

/** A file that lives in memory only. It is close-on-exec unless `inherit`. `name` shows in /proc. */
export function memfdCreate(name: string, inherit: boolean = false): number {
  const at = pathAt(name);
  const MFD_CLOEXEC = 1;
  const MFD_ALLOW_SEALING = 2;
  return at < 0 ? at : call(SYS.memfdCreate, at, MFD_ALLOW_SEALING | (inherit ? 0 : MFD_CLOEXEC));
}

/** Seals a memfd for ever: neither written, grown, shrunk nor unsealed. */
export function sealMemfd(fd: number): number {
  const F_ADD_SEALS = 1033;
  const F_SEAL_ALL = 0xf;
  return call(SYS.fcntl, fd, F_ADD_SEALS, F_SEAL_ALL);
}

/**
 * A pipe that holds `bytes` with nobody left to write to it: its reading end, which execve does not
 * close, or minus the errno. An ordinary user gets 1 MiB at most (/proc/sys/fs/pipe-max-size).
 */
export function filledPipe(bytes: Uint8Array): number {
  const F_SETPIPE_SZ = 1031;
  const made = call(SYS.pipe2, RESULT_AT, O_NONBLOCK);
  if (made < 0) return made;
  const [reading, writing] = [RESULT_VIEW.getInt32(0, true), RESULT_VIEW.getInt32(4, true)];
  const room = call(SYS.fcntl, writing, F_SETPIPE_SZ, bytes.length);
  const written = room < 0 ? room : write(writing, bytes);
  call(SYS.close, writing);
  if (written === bytes.length) return reading;
  call(SYS.close, reading);
  return written < 0 ? written : -EAGAIN;
}

/** Whether a descriptor is closed by execve. */
export function setCloseOnExec(fd: number, closeOnExec: boolean): number {
  const F_SETFD = 2;
  return call(SYS.fcntl, fd, F_SETFD, closeOnExec ? 1 : 0);
}
