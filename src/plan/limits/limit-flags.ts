import { Fault } from "../../base/fault.ts";
import type { DeviceWeight, ResourceLimits } from "./resource-limits.ts";

/** What the flags are judged by. */
export interface LimitFlagFacts {
  /** Processors of this machine. */
  readonly processors: number;
  /** Numbers of a block device by its path; undefined for what is none. */
  device(path: string): { readonly major: number; readonly minor: number } | undefined;
}

const PERIOD_US = 100_000;
const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
};

/**
 * Limits from the flags, by their names (reference: cli.md section 2).
 *
 * @throws Fault for a value out of its range.
 */
export function limitsOfFlags(
  flags: Readonly<Record<string, readonly string[]>>,
  facts: LimitFlagFacts,
): ResourceLimits {
  const text = (name: string): string | undefined => flags[name]?.at(-1);
  const sized = (name: string): number | undefined => {
    const value = text(name);
    return value === undefined ? undefined : sizeOf(name, value);
  };
  const shares = whole(flags, "cpu-shares");
  const cpus = text("cpus");
  const cpu = defined({
    shares: shares === undefined || shares < 0 ? undefined : shares,
    ...(cpus === undefined ? {} : { quota: quotaOf(cpus, facts.processors), period: PERIOD_US }),
    cpus: text("cpuset-cpus"),
    mems: text("cpuset-mems"),
  });
  const limit = sized("memory");
  const swap = text("memory-swap") === "-1" ? -1 : sized("memory-swap");
  const reservation = sized("memory-reservation");
  if (swap !== undefined && swap >= 0) {
    if (limit === undefined) {
      throw bad(
        "memory-swap",
        String(swap),
        "it counts memory and swap together and needs --memory",
      );
    }
    if (swap < limit)
      throw bad("memory-swap", String(swap), "it must be at least that of --memory");
  }
  if (limit !== undefined && reservation !== undefined && reservation > limit) {
    throw bad("memory-reservation", String(reservation), "it must be at most that of --memory");
  }
  const memory = defined({
    limit,
    reservation,
    swap,
    disableOOMKiller: flags["oom-kill-disable"] === undefined ? undefined : true,
  });
  const pids = whole(flags, "pids-limit");
  const weight = whole(flags, "blkio-weight");
  if (weight !== undefined && weight !== 0) weightIn("blkio-weight", weight);
  const weightDevice = (flags["blkio-weight-device"] ?? []).map((word) =>
    deviceWeight(word, facts),
  );
  const blockIO = defined({
    weight: weight === 0 ? undefined : weight,
    weightDevice: weightDevice.length === 0 ? undefined : weightDevice,
  });
  return defined({
    cpu,
    memory,
    pids: pids === undefined || pids === 0 ? undefined : { limit: pids },
    blockIO,
  }) as ResourceLimits;
}

/** Without the members that are undefined; undefined when nothing is left. */
function defined<T extends object>(from: T): T | undefined {
  const some = Object.entries(from).filter(([, value]) => value !== undefined);
  // Only undefined members are gone.
  return some.length === 0 ? undefined : (Object.fromEntries(some) as T);
}

function bad(flag: string, value: string, why: string): Fault {
  return new Fault("usage", `Cannot use --${flag} ${value}: ${why}`, { exitCode: 255 });
}

function whole(
  flags: Readonly<Record<string, readonly string[]>>,
  flag: string,
): number | undefined {
  const value = flags[flag]?.at(-1);
  if (value === undefined) return undefined;
  if (!/^-?[0-9]{1,15}$/.test(value)) throw bad(flag, value, "it must be a whole number");
  return Number(value);
}

function quotaOf(value: string, processors: number): number {
  const count = /^[0-9]*\.?[0-9]+$/.test(value) ? Number(value) : Number.NaN;
  if (!(count >= 0.01 && count <= processors)) {
    throw bad("cpus", value, `it must be a number from 0.01 to ${processors}, the processors here`);
  }
  return Math.round(count * PERIOD_US);
}

/** Bytes of `512`, `64k`, `1.5g`, `100MiB`: units of 1024. */
export function sizeOf(flag: string, value: string): number {
  const match = /^([0-9]+(?:\.[0-9]+)?) ?([kmgtp]?)(?:i?b)?$/.exec(value.toLowerCase());
  const bytes = Math.floor(Number(match?.[1]) * (UNITS[match?.[2] ?? ""] ?? Number.NaN));
  if (match === null || !Number.isSafeInteger(bytes)) {
    throw bad(flag, value, "it must be a size such as 512m or 2g");
  }
  return bytes;
}

function weightIn(flag: string, weight: number): void {
  if (weight < 10 || weight > 1000) throw bad(flag, String(weight), "it must be from 10 to 1000");
}

function deviceWeight(word: string, facts: LimitFlagFacts): DeviceWeight {
  const at = word.lastIndexOf(":");
  const path = word.slice(0, at);
  const weight = Number(word.slice(at + 1));
  if (at < 1 || !Number.isInteger(weight)) {
    throw bad(
      "blkio-weight-device",
      word,
      "it must be a device and a number, such as /dev/sda:200",
    );
  }
  if (weight !== 0) weightIn("blkio-weight-device", weight);
  const device = facts.device(path);
  if (device === undefined) {
    throw bad("blkio-weight-device", word, `"${path}" is no block device`);
  }
  return { ...device, weight };
}
