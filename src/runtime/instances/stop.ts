import { hasChildren, signalProcess } from "../../host/other-process.ts";
import { removeRecord } from "./claim.ts";
import { type InstanceRecord, lifeOf } from "./records.ts";

const SIGKILL = 9;
const EPERM = -1;
const LONGEST_PAUSE_MS = 20;
/** After SIGKILL the kernel ends the whole PID namespace; what waits for a dead file server may take longer. */
const KILL_MS = 10_000;

export interface StopOptions {
  readonly signal: number;
  /** How long the instance may take to end by itself. */
  readonly timeoutMs: number;
  /** Told when it did not. */
  onKill(): void;
}

/** How it went: `denied` when the process is another user's, `stuck` when even SIGKILL did not end it. */
export type Stopped = "stopped" | "denied" | "stuck";

/**
 * Ends an instance and removes its record: the signal goes to process 1, which passes it on; when no
 * process is left below it, it is killed, and after the time in any case.
 */
export async function stopInstance(
  directory: string,
  record: InstanceRecord,
  options: StopOptions,
): Promise<Stopped> {
  if (signalProcess(record, options.signal) === EPERM) return "denied";
  const ends = options.signal === SIGKILL || (await endsWithin(record, options.timeoutMs, true));
  if (!ends) options.onKill();
  if (!(await endsWithin(record, 0, false))) {
    signalProcess(record, SIGKILL);
    if (!(await endsWithin(record, KILL_MS, false))) return "stuck";
  }
  removeRecord(directory, record.name, { kind: "record", record });
  return "stopped";
}

/** Whether process 1 ends within the time, or with `orIdle` has nobody left to wait for. */
async function endsWithin(
  record: InstanceRecord,
  timeoutMs: number,
  orIdle: boolean,
): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  for (let pause = 1; ; pause = Math.min(LONGEST_PAUSE_MS, pause * 2)) {
    if (lifeOf(record) !== "running") return true;
    if (orIdle && !hasChildren(record.pid)) return true;
    const left = end - performance.now();
    if (left <= 0) return false;
    await Bun.sleep(Math.min(pause, left));
  }
}
