import { limitGroupsOf } from "../../host/cgroups.ts";
import { statFields } from "../../host/other-process.ts";
import { readHostText } from "../../host/read-text.ts";
import { listDir, readlink } from "../../host/syscall.ts";
import type { HostFacts } from "../../plan/facts.ts";
import type { InstanceRecord } from "./records.ts";

/** What the processes of an instance use, all together. */
export interface InstanceUsage {
  /** Seconds of processor time so far, of those that live and those that were waited for. */
  readonly cpuSeconds: number;
  /** Memory of its own, shared pages counted in part where the kernel tells (else in full). */
  readonly memoryBytes: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly processes: number;
}

const TICKS_PER_SECOND = 100;

/**
 * Sums over the processes in the PID namespace of an instance: without a cgroup of its own that is
 * what anybody can tell. Without a PID namespace process 1 and its descendants count.
 */
export function instanceUsage(record: InstanceRecord): InstanceUsage {
  let ticks = 0;
  let memoryBytes = 0;
  let readBytes = 0;
  let writtenBytes = 0;
  const pids = processesOf(record);
  for (const pid of pids) {
    const fields = statFields(pid);
    const isInit = pid === record.pid;
    // utime, stime; of process 1 also cutime, cstime: it inherits and waits for all that end.
    for (const at of isInit ? [11, 12, 13, 14] : [11, 12]) ticks += Number(fields[at] ?? 0);
    memoryBytes += memoryOf(pid);
    const io = readHostText(`/proc/${pid}/io`);
    readBytes += Number(/^read_bytes: (\d+)/m.exec(io)?.[1] ?? 0);
    writtenBytes += Number(/^write_bytes: (\d+)/m.exec(io)?.[1] ?? 0);
  }
  return {
    cpuSeconds: ticks / TICKS_PER_SECOND,
    memoryBytes,
    readBytes,
    writtenBytes,
    processes: pids.length,
  };
}

/** Bytes that an instance may use at most: the least of the limits of its control groups, else the machine's memory. */
export function memoryLimitOf(pid: number, host: HostFacts): number {
  const whole = Number(/^MemTotal:\s+(\d+)/m.exec(readHostText("/proc/meminfo"))?.[1] ?? 1) * 1024;
  const limits = limitGroupsOf(pid, host)
    .flatMap((dir) => [`${dir}/memory.max`, `${dir}/memory.limit_in_bytes`])
    .map((path) => readHostText(path).trim())
    .filter((text) => /^[0-9]+$/.test(text));
  return Math.min(whole, ...limits.map(Number));
}

function memoryOf(pid: number): number {
  const exact = /^Pss:\s+(\d+)/m.exec(readHostText(`/proc/${pid}/smaps_rollup`))?.[1];
  const rough = exact ?? /^VmRSS:\s+(\d+)/m.exec(readHostText(`/proc/${pid}/status`))?.[1] ?? "0";
  return Number(rough) * 1024;
}

function processesOf(record: InstanceRecord): number[] {
  const all = (listDir("/proc") ?? []).map(({ name }) => Number(name)).filter((pid) => pid > 0);
  if (record.namespaces.pid) {
    const own = readlink(`/proc/${record.pid}/ns/pid_for_children`) ?? "";
    return all.filter((pid) => readlink(`/proc/${pid}/ns/pid`) === own);
  }
  const parents = new Map(all.map((pid) => [pid, Number(statFields(pid)[1] ?? 0)]));
  const isBelow = (pid: number): boolean => {
    for (let at = pid; at > 1; at = parents.get(at) ?? 0) if (at === record.pid) return true;
    return false;
  };
  return all.filter(isBelow);
}
