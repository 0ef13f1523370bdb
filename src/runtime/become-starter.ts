import { Fault } from "../base/fault.ts";
import { passOn } from "../host/inherited-descriptors.ts";
import { launcherNote } from "../host/launcher-note.ts";
import { execve, setRlimit } from "../host/process-calls.ts";
import { memfdCreate, pwrite, sealMemfd } from "../host/syscall.ts";

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
  const fd = memfdCreate("skiff-ops", true);
  if (fd < 0) {
    throw new Fault(
      "unsupported",
      "Cannot hand the plan over: memfd_create is refused by the kernel",
    );
  }
  fillMemfd(fd, ops);
  return becomeOther(starter, ["skiff-starter", String(fd)], env, inherited);
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

/** Writes and seals a memory file. Written in place: the reader starts at the beginning of the descriptor. */
export function fillMemfd(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    const count = pwrite(fd, at === 0 ? bytes : bytes.subarray(at), at);
    if (count <= 0) throw new Fault("io", "Cannot hand the plan over: writing to memory failed");
    at += count;
  }
  sealMemfd(fd);
}
