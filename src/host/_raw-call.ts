import { Fault } from "../base/fault.ts";
import { decodeOsText, encodeOsText } from "../base/os-text.ts";
import { type SyscallNumbers, syscallNumbers } from "./_syscall-numbers.ts";

/*
 * Raw Linux system calls, for the launch path. Why not node:fs: importing it costs 2 ms, this whole
 * file about 0.13 ms (one dlopen with two symbols, compiled binary, x86_64), then 0.5 to 1 µs a call.
 *
 * Calls are synchronous and never throw. A result below 0 is minus the errno (`-2`: ENOENT); calls
 * that give an object give `undefined` instead, and `lastErrno()` tells the reason.
 *
 * Strings are kernel text (base/os-text.ts): bytes that are not UTF-8 travel as U+DC80 to U+DCFF.
 * A string with a NUL is refused as EINVAL, never cut off; a path of 4096 bytes or more is
 * ENAMETOOLONG.
 *
 * All arguments are passed as numbers: pointers and offsets stay below 2^53, where doubles are exact.
 */

/**
 * What bun:ffi itself is made of. Importing that module costs a launch 0.2 ms for wrappers that plain
 * numbers do not need; its types are not in bun-types, hence this shape. Pinned with Bun's version.
 */
interface NativeFfi {
  dlopen(
    library: string,
    symbols: Readonly<
      Record<string, { readonly args: readonly number[]; readonly returns: number }>
    >,
  ): { readonly symbols: Readonly<Record<string, (...args: number[]) => number>> };
  ptr(view: Uint8Array | BigUint64Array): number;
  readonly read: { i32(address: number, offset: number): number };
}
const ffi = (Bun as unknown as { readonly FFI: NativeFfi }).FFI;

/** FFIType numbers of bun:ffi. */
const I64 = 7;
const PTR = 12;
const I64_AS_NUMBER = 15;

type Syscall = (...args: number[]) => number;

/** The two functions everything stands on; where they cannot be had, the first call says why. */
function openLibc(): { readonly raw: Syscall; readonly errnoAt: number } {
  try {
    const { symbols } = ffi.dlopen("libc.so.6", {
      syscall: { args: [I64, I64, I64, I64, I64, I64, I64], returns: I64_AS_NUMBER },
      __errno_location: { args: [], returns: PTR },
    });
    const errnoAt = (symbols["__errno_location"] as () => number)();
    return { raw: symbols["syscall"] as Syscall, errnoAt };
  } catch (cause) {
    const raw = (): never => {
      throw new Fault(
        "unsupported",
        "Cannot start: no memory for executable code can be had here",
        {
          cause,
          hint: "raise the limit on address space to 4 GiB or more (ulimit -v 4194304), or allow execmem where SELinux forbids it",
        },
      );
    };
    return { raw, errnoAt: 0 };
  }
}
const { raw, errnoAt } = openLibc();

/** Address of the memory of a view, as a number. */
export const addressOf: NativeFfi["ptr"] = ffi.ptr;

/** System call numbers and the open flags of this architecture. */
export const SYS: SyscallNumbers = syscallNumbers(process.arch);

export const AT_FDCWD: number = -100;
export const EAGAIN: number = 11;
export const EINVAL: number = 22;
export const ENOENT: number = 2;
const ENAMETOOLONG = 36;

// Always made from an ArrayBuffer: a small Uint8Array of its own is moved when `.buffer` is read,
// which would leave the addresses below pointing at the old place.
const PATH_BYTES = 4096;
const scratch = new ArrayBuffer(2 * PATH_BYTES + 65536);
const paths = [
  new Uint8Array(scratch, 0, PATH_BYTES),
  new Uint8Array(scratch, PATH_BYTES, PATH_BYTES),
];
/** 64 KiB for results of one call; whatever is in it lives until the next call. */
export const RESULT: Uint8Array = new Uint8Array(scratch, 2 * PATH_BYTES);
export const RESULT_VIEW: DataView = new DataView(scratch, 2 * PATH_BYTES);
const scratchAt = addressOf(new Uint8Array(scratch));
/** Address of `RESULT`. */
export const RESULT_AT: number = scratchAt + 2 * PATH_BYTES;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const roughDecoder = new TextDecoder("latin1");
let failure = 0;

/** errno of the latest call that failed. */
export function lastErrno(): number {
  return failure;
}

function fail(errno: number): number {
  failure = errno;
  return -errno;
}

/** syscall(2): the result, or minus the errno. The caller keeps every address valid. */
export function call(
  number: number,
  a: number = 0,
  b: number = 0,
  c: number = 0,
  d: number = 0,
  e: number = 0,
): number {
  const result = raw(number, a, b, c, d, e, 0);
  return result === -1 ? fail(ffi.read.i32(errnoAt, 0)) : result;
}

/**
 * Address of `path` as a C string, or minus an errno. It is valid until the next string is placed in
 * the same slot (0, or 1 for calls with two strings).
 */
export function pathAt(path: string, slot: 0 | 1 = 0): number {
  if (path.includes("\0")) return fail(EINVAL);
  const target = paths[slot] as Uint8Array;
  let length: number;
  if (path.isWellFormed()) {
    const done = encoder.encodeInto(path, target);
    if (done.read < path.length) return fail(ENAMETOOLONG);
    length = done.written;
  } else {
    const bytes = encodeOsText(path);
    if (bytes.length >= PATH_BYTES) return fail(ENAMETOOLONG);
    target.set(bytes);
    length = bytes.length;
  }
  if (length >= PATH_BYTES) return fail(ENAMETOOLONG);
  target[length] = 0;
  return scratchAt + slot * PATH_BYTES;
}

/** Text of kernel bytes; the native decoder does it unless a byte is not UTF-8. */
export function textOf(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  return text.includes("\ufffd") ? decodeOsText(bytes) : text;
}

/** One character a byte, for cutting ASCII text out of binary records; bytes from 0x80 mean nothing. */
export function roughTextOf(bytes: Uint8Array): string {
  return roughDecoder.decode(bytes);
}

/** Whether a text has no character above U+007F: its UTF-8 form is as long (a regular expression costs 50 µs at first use). */
export function isAscii(text: string): boolean {
  return encoder.encode(text).length === text.length;
}

/** A call whose first argument is the current directory and whose second is a path. */
export function pathCall(number: number, path: string, c: number = 0, d: number = 0): number {
  const at = pathAt(path);
  return at < 0 ? at : call(number, AT_FDCWD, at, c, d);
}

/** A call on a descriptor and a caller's buffer: (fd, address, length, d). No bytes, no call: 0. */
export function bufferCall(number: number, fd: number, buffer: Uint8Array, d: number = 0): number {
  return buffer.length === 0 ? 0 : call(number, fd, addressOf(buffer), buffer.length, d);
}
