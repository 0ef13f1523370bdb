import { call, SYS } from "./_raw-call.ts";
import { readHostText } from "./read-text.ts";
import { close, listDir } from "./syscall.ts";

/*
 * Other processes, named for certain: by id and start time, since an id is given out again.
 */

/** A process: its id, and its start in clock ticks since boot. */
export interface ProcessName {
  readonly pid: number;
  readonly started: number;
}

/**
 * When a process started, in clock ticks since boot. Undefined when there is none of that id, or it
 * has ended and only waits for its parent.
 */
export function processStart(pid: number): number | undefined {
  const fields = statFields(pid);
  const state = fields[0] ?? "";
  const started = Number(fields[19]);
  return state === "" || state === "Z" || state === "X" || !(started >= 0) ? undefined : started;
}

/** Fields of /proc/PID/stat from the third (the state) on. */
export function statFields(pid: number): readonly string[] {
  const text = readHostText(`/proc/${pid}/stat`);
  // The name in brackets may hold anything.
  return text === "" ? [] : text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** Sends a signal to that very process: 0, or minus the errno (-3 when it is gone). */
export function signalProcess({ pid, started }: ProcessName, signal: number): number {
  const ESRCH = -3;
  const handle = call(SYS.pidfdOpen, pid, 0);
  try {
    // With the handle open the id cannot be given to another.
    if (processStart(pid) !== started) return ESRCH;
    if (handle >= 0) return call(SYS.pidfdSendSignal, handle, signal, 0, 0);
    process.kill(pid, signal);
    return 0;
  } catch {
    return ESRCH;
  } finally {
    if (handle >= 0) close(handle);
  }
}

/** Whether a process has children. */
export function hasChildren(pid: number): boolean {
  const path = `/proc/${pid}/task/${pid}/children`;
  const names = listDir(`/proc/${pid}/task/${pid}`);
  if (names?.some(({ name }) => name === "children") === true) return readHostText(path) !== "";
  // A kernel without that file (CONFIG_PROC_CHILDREN).
  return (listDir("/proc") ?? []).some(
    ({ name }) => /^[0-9]+$/.test(name) && statFields(Number(name))[1] === String(pid),
  );
}
