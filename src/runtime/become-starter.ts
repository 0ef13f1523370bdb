import { Fault } from "../base/fault.ts";
import { passOn } from "../host/inherited-descriptors.ts";
import { launcherNote } from "../host/launcher-note.ts";
import { execve, getRlimit, setRlimit } from "../host/process-calls.ts";
import { close, filledPipe, memfdCreate, pwrite, sealMemfd } from "../host/syscall.ts";

const RLIMIT_FSIZE = 1;
const RLIMIT_NOFILE = 7;

/**
 * Replaces this process by the starter with these operations and this environment. Returns minus the
 * errno when the kernel refuses the program. The `inherited` descriptors stay open.
 *
 * @throws Fault when memory for the operations cannot be had.
 */
export function becomeStarter(
  starter: string,
  ops: Uint8Array,
  env: readonly string[],
  inherited: readonly number[],
): number {
  return becomeOther(starter, ["skiff-starter", String(descriptorOf(ops))], env, inherited);
}

/** A descriptor that the operations are read from: memory, or a pipe where `ulimit -f` forbids that much of it. */
function descriptorOf(ops: Uint8Array): number {
  const fd = memfdCreate("skiff-ops", true);
  if (fd < 0) {
    throw new Fault(
      "unsupported",
      "Cannot hand the plan over: memfd_create is refused by the kernel",
    );
  }
  if (tryFill(fd, ops)) return fd;
  close(fd);
  const pipe = filledPipe(ops);
  if (pipe < 0) throw cannotFill("hand the plan over");
  return pipe;
}

/**
 * Replaces this process by a program, with the caller's limit on open files (Bun raised it for itself)
 * and the `inherited` descriptors. Returns minus the errno when the kernel refuses it.
 */
export function becomeOther(
  path: string,
  argv: readonly string[],
  env: readonly string[],
  inherited: readonly number[],
): number {
  const limit = launcherNote()?.fileLimit;
  if (limit !== undefined) setRlimit(RLIMIT_NOFILE, limit.soft, limit.hard);
  passOn(inherited);
  return execve(path, argv, env);
}

/** Writes and seals a memory file; `what` is attempted with it. Throws a Fault when there is no room. */
export function fillMemfd(fd: number, bytes: Uint8Array, what: string): void {
  if (!tryFill(fd, bytes)) throw cannotFill(what);
}

/**
 * Written in place: the reader starts at the beginning of the descriptor. Memory files are under the
 * limit on the size of files, too, which is lifted for as long as it takes where it can be.
 */
function tryFill(fd: number, bytes: Uint8Array): boolean {
  const limit = getRlimit(RLIMIT_FSIZE);
  const isTight = limit !== undefined && limit.soft < bytes.length;
  if (isTight && setRlimit(RLIMIT_FSIZE, bytes.length, Math.max(limit.hard, bytes.length)) < 0)
    return false;
  let at = 0;
  for (let count = 1; at < bytes.length && count > 0; at += Math.max(count, 0)) {
    count = pwrite(fd, at === 0 ? bytes : bytes.subarray(at), at);
  }
  if (isTight) setRlimit(RLIMIT_FSIZE, limit.soft, limit.hard);
  sealMemfd(fd);
  return at === bytes.length;
}

function cannotFill(what: string): Fault {
  const limit = getRlimit(RLIMIT_FSIZE)?.soft;
  return new Fault("io", `Cannot ${what}: writing to memory failed`, {
    ...(limit === undefined || limit === Infinity
      ? {}
      : { hint: `raise the limit on the size of files, which is ${limit} bytes (ulimit -f)` }),
  });
}
