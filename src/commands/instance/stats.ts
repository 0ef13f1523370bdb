import { hostFacts } from "../../host/facts.ts";
import { isTerminal } from "../../host/process-calls.ts";
import { type InstanceRecord, lifeOf } from "../../runtime/instances/records.ts";
import { type InstanceUsage, instanceUsage, memoryLimitOf } from "../../runtime/instances/usage.ts";
import type { Context } from "../../terminal/context.ts";
import { columns } from "./list.ts";

const EVERY_MS = 1000;
const HOME_AND_CLEAR = "\x1b[H\x1b[J";

/** One sample of an instance. */
interface Sample {
  readonly usage: InstanceUsage;
  /** Share of one processor since the sample before. */
  readonly cpuPercent: number;
  readonly limitBytes: number;
}

/** `instance stats`: what an instance uses, once or every second until it ends. */
export async function showStats(
  one: InstanceRecord,
  asJson: boolean,
  once: boolean,
  ctx: Context,
): Promise<number> {
  const limitBytes = memoryLimitOf(one.pid, hostFacts({ binaryPath: "", env: ctx.env }));
  const isScreen = !once && isTerminal(1);
  let before = instanceUsage(one);
  let beforeMs = performance.now();
  while (lifeOf(one) === "running") {
    await Bun.sleep(once ? EVERY_MS / 5 : EVERY_MS);
    const usage = instanceUsage(one);
    const nowMs = performance.now();
    const seconds = Math.max(0, usage.cpuSeconds - before.cpuSeconds);
    const sample = { usage, limitBytes, cpuPercent: (seconds / (nowMs - beforeMs)) * 100_000 };
    const text = asJson ? statsAsJson(one, sample) : statsTable(one, sample);
    ctx.print(isScreen && !asJson ? HOME_AND_CLEAR + text : text);
    if (once) break;
    before = usage;
    beforeMs = nowMs;
  }
  return 0;
}

function statsAsJson(one: InstanceRecord, { usage, cpuPercent, limitBytes }: Sample): string {
  const { memoryBytes, readBytes, writtenBytes, processes, cpuSeconds } = usage;
  const value = {
    instance: one.name,
    pid: one.pid,
    cpuPercent: Math.round(cpuPercent * 100) / 100,
    cpuSeconds,
    memoryBytes,
    memoryLimitBytes: limitBytes,
    readBytes,
    writtenBytes,
    pids: processes,
  };
  return `${JSON.stringify(value, undefined, "\t")}\n`;
}

function statsTable(one: InstanceRecord, { usage, cpuPercent, limitBytes }: Sample): string {
  const { memoryBytes, readBytes, writtenBytes, processes } = usage;
  return columns([
    ["INSTANCE NAME", "CPU USAGE", "MEM USAGE / LIMIT", "MEM %", "BLOCK I/O", "PIDS"],
    [
      one.name,
      `${cpuPercent.toFixed(2)}%`,
      `${binarySize(memoryBytes)} / ${binarySize(limitBytes)}`,
      `${((memoryBytes / limitBytes) * 100).toFixed(2)}%`,
      `${binarySize(readBytes)} / ${binarySize(writtenBytes)}`,
      String(processes),
    ],
  ]);
}

/** "12.3MiB". */
function binarySize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let at = 0;
  for (; value >= 1024 && at < units.length - 1; at++) value /= 1024;
  return `${at === 0 ? value : Number(value.toPrecision(4))}${units[at]}`;
}
