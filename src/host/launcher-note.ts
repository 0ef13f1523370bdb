import {
  addressOf,
  call,
  pathCall,
  RESULT,
  RESULT_AT,
  RESULT_VIEW,
  roughTextOf,
  SYS,
  textOf,
} from "./_raw-call.ts";

/** What the launcher (launcher/launcher.h) left in memory before Bun started. */
export interface LauncherNote {
  /** The caller's limit on open files: Bun raises the soft one before any code of ours runs. */
  readonly fileLimit: { readonly soft: number; readonly hard: number };
  /** The caller's working directory was removed; this process got `/`, because Bun does not start without one. */
  readonly directoryLost: boolean;
  /** Where in the program's own file an image begins, in bytes; 0: it carries none. */
  readonly imageOffset: number;
  /** Of a launch that may be kept. */
  readonly key?: LaunchKey;
}

/** Where the record of a launch is kept, and under which name: 32 hexadecimal digits of a digest. */
export interface LaunchKey {
  readonly dir: string;
  readonly name: string;
}

const ADDRESS = 0x100000;
const MAGIC = 0x544f4e53;
const HEAD_BYTES = 64;
const NAME_AT = 32;
const BLOCK_BYTES = 4096;

let note: LauncherNote | null | undefined;

/** The note; undefined where there is no launcher (this code was not started by the binary). */
export function launcherNote(): LauncherNote | undefined {
  note ??= readNote() ?? null;
  return note ?? undefined;
}

function readNote(): LauncherNote | undefined {
  if (!readMemory(ADDRESS, HEAD_BYTES) || RESULT_VIEW.getUint32(0, true) !== MAGIC)
    return undefined;
  const dirBytes = RESULT_VIEW.getUint32(4, true);
  const directoryLost = RESULT_VIEW.getUint32(8, true) !== 0;
  const imageOffset = RESULT_VIEW.getUint32(12, true) * BLOCK_BYTES;
  const fileLimit = { soft: limitAt(16), hard: limitAt(24) };
  const name = roughTextOf(RESULT.subarray(NAME_AT, HEAD_BYTES));
  const isKept = dirBytes > 0 && dirBytes <= RESULT.length;
  if (!isKept || !readMemory(ADDRESS + HEAD_BYTES, dirBytes))
    return { fileLimit, directoryLost, imageOffset };
  return {
    fileLimit,
    directoryLost,
    imageOffset,
    key: { dir: textOf(RESULT.subarray(0, dirBytes - 1)), name },
  };
}

function limitAt(offset: number): number {
  const value = RESULT_VIEW.getBigUint64(offset, true);
  return value === 0xffffffffffffffffn ? Number.POSITIVE_INFINITY : Number(value);
}

/** Copies memory of this process into RESULT; false where nothing is mapped, which merely reading would not survive. */
function readMemory(address: number, size: number): boolean {
  const vectors = new BigUint64Array(new ArrayBuffer(32));
  vectors[0] = BigInt(RESULT_AT);
  vectors[2] = BigInt(address);
  vectors[1] = vectors[3] = BigInt(size);
  const at = addressOf(vectors);
  const copied = call(SYS.processVmReadv, process.pid, at, 1, at + 16, 1);
  return copied === size || (copied < 0 && readOwnFile(address, size));
}

/** The same where a seccomp filter refuses that call, as those of some containers do. */
function readOwnFile(address: number, size: number): boolean {
  const O_CLOEXEC = 0o2000000;
  const fd = pathCall(SYS.openat, "/proc/self/mem", O_CLOEXEC);
  if (fd < 0) return false;
  const copied = call(SYS.pread64, fd, RESULT_AT, size, address);
  call(SYS.close, fd);
  return copied === size;
}
