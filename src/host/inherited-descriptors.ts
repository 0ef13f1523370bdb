import { close, listDir, readlink, setCloseOnExec } from "./syscall.ts";

const LIST = "/proc/self/fd";
/** Standard streams, which stay open anyway. */
const STREAMS = 3;

/**
 * The descriptors that the caller handed over besides the standard streams: a process manager's
 * socket, a job server's pipe. To be asked before this program opens files of its own.
 *
 * Bun marks all but the first as close-on-exec when it starts, and has an event queue and a counter of
 * its own, which are told by what they are, and a copy of the standard input.
 */
export function inheritedDescriptors(): readonly number[] {
  const out: number[] = [];
  for (const { name } of listDir(LIST) ?? []) {
    const fd = Number(name);
    if (!(fd >= STREAMS) || isBunsOwn(fd)) continue;
    out.push(fd);
  }
  return out;
}

/** Closes what this program has opened since it had those `inherited`: before it does its work a second time. */
export function closeOwnFiles(inherited: readonly number[]): void {
  for (const fd of inheritedDescriptors()) {
    if (!inherited.includes(fd)) close(fd);
  }
}

/** Where Bun keeps a second descriptor of the standard input. */
const STDIN_COPY = 1023;

function isBunsOwn(fd: number): boolean {
  const target = readlink(`${LIST}/${fd}`);
  // The directory that was listed is closed by now.
  if (target === undefined) return true;
  if (fd === STDIN_COPY) return target === readlink(`${LIST}/0`);
  return target === "anon_inode:[eventpoll]" || target === "anon_inode:[eventfd]";
}

/** Lets the program that replaces this one have them. */
export function passOn(descriptors: readonly number[]): void {
  for (const fd of descriptors) setCloseOnExec(fd, false);
}
