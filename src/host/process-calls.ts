import { encodeOsText } from "../base/os-text.ts";
import {
  addressOf,
  call,
  EINVAL,
  pathAt,
  RESULT,
  RESULT_AT,
  RESULT_VIEW,
  SYS,
  textOf,
} from "./_raw-call.ts";
import { launcherNote } from "./launcher-note.ts";

/*
 * This process, by raw system calls; rules as in syscall.ts.
 */

export function getuid(): number {
  return call(SYS.getuid);
}

export function geteuid(): number {
  return call(SYS.geteuid);
}

export function getgid(): number {
  return call(SYS.getgid);
}

export function getegid(): number {
  return call(SYS.getegid);
}

/** Supplementary groups, in the kernel's order. */
export function getgroups(): number[] {
  const count = call(SYS.getgroups, RESULT.length / 4, RESULT_AT);
  return Array.from({ length: Math.max(count, 0) }, (_, i) => RESULT_VIEW.getUint32(4 * i, true));
}

/** Working directory; undefined when it was removed or lies outside this process's root. */
export function getcwd(): string | undefined {
  if (launcherNote()?.directoryLost === true) return undefined;
  const length = call(SYS.getcwd, RESULT_AT, 4096);
  if (length <= 0) return undefined;
  const path = textOf(RESULT.subarray(0, length - 1));
  return path.startsWith("/") ? path : undefined;
}

/** The present file mode mask. It is set to 0 for a moment: there is no call that only reads it. */
export function getUmask(): number {
  const mask = call(SYS.umask, 0);
  call(SYS.umask, mask);
  return mask;
}

export interface KernelNames {
  readonly hostname: string;
  /** "6.18.44-x". */
  readonly release: string;
  /** "x86_64", "aarch64". */
  readonly machine: string;
}

/** uname(2): six fields of 65 bytes. */
export function uname(): KernelNames {
  call(SYS.uname, RESULT_AT);
  const field = (index: number): string =>
    textOf(RESULT.subarray(65 * index, RESULT.indexOf(0, 65 * index)));
  return { hostname: field(1), release: field(2), machine: field(4) };
}

/** Whether a descriptor is a terminal (TCGETS succeeds). */
export function isTerminal(fd: number): boolean {
  const TCGETS = 0x5401;
  return call(SYS.ioctl, fd, TCGETS, RESULT_AT) === 0;
}

/** Characters in a line of a terminal (TIOCGWINSZ); undefined where nobody says. */
export function terminalColumns(fd: number): number | undefined {
  const TIOCGWINSZ = 0x5413;
  if (call(SYS.ioctl, fd, TIOCGWINSZ, RESULT_AT) !== 0) return undefined;
  return RESULT_VIEW.getUint16(2, true) || undefined;
}

/** Soft and hard limit of a RLIMIT_* number; RLIM_INFINITY is `Infinity`. */
export function getRlimit(resource: number): { soft: number; hard: number } | undefined {
  if (call(SYS.prlimit64, 0, resource, 0, RESULT_AT) < 0) return undefined;
  const at = (offset: number): number => {
    const value = RESULT_VIEW.getBigUint64(offset, true);
    return value === 0xffffffffffffffffn ? Infinity : Number(value);
  };
  return { soft: at(0), hard: at(8) };
}

/** Sets a limit of this process; 0, or minus the errno. */
export function setRlimit(resource: number, soft: number, hard: number): number {
  const put = (offset: number, value: number): void =>
    RESULT_VIEW.setBigUint64(
      offset,
      value === Infinity ? 0xffffffffffffffffn : BigInt(value),
      true,
    );
  put(0, soft);
  put(8, hard);
  return call(SYS.prlimit64, 0, resource, RESULT_AT, 0);
}

/**
 * execve(2) itself, in this process, from kernel text (base/os-text.ts): bytes that are not UTF-8
 * arrive unchanged. It gives minus the errno or does not return. Descriptors without close-on-exec
 * stay open, and the signals Bun ignores (SIGPIPE, SIGXFSZ) stay ignored: the program that is
 * started has to reset them. `path` may be /proc/self/fd/N.
 */
export function execve(path: string, argv: readonly string[], env: readonly string[]): number {
  const strings = [...argv, ...env];
  if (strings.some((s) => s.includes("\0"))) return -EINVAL;
  const bytes = strings.map((s) => encodeText(s));
  const total = bytes.reduce((sum, b) => sum + b.length + 1, 0);
  const table = new BigUint64Array(new ArrayBuffer(8 * (strings.length + 2)));
  const text = new Uint8Array(new ArrayBuffer(Math.max(total, 1)));
  const textAt = addressOf(text);
  let at = 0;
  bytes.forEach((b, i) => {
    text.set(b, at);
    // The two lists end with a null pointer each.
    table[i < argv.length ? i : i + 1] = BigInt(textAt + at);
    at += b.length + 1;
  });
  const tableAt = addressOf(table);
  const where = pathAt(path);
  return where < 0 ? where : call(SYS.execve, where, tableAt, tableAt + 8 * (argv.length + 1));
}

const encoder = new TextEncoder();

function encodeText(text: string): Uint8Array {
  return text.isWellFormed() ? encoder.encode(text) : encodeOsText(text);
}
