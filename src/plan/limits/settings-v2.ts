import { Fault } from "../../base/fault.ts";
import type { LimitSetting } from "./limit-setting.ts";
import type { DeviceRate, ResourceLimits } from "./resource-limits.ts";

/** A limit that cgroup version 2 does not have. */
function lacks(what: string): Fault {
  return new Fault(
    "unsupported",
    `Cannot limit the container: ${what} has no counterpart in cgroup version 2`,
    { hint: "leave it out" },
  );
}

/**
 * The files of cgroup version 2 for limits (Documentation/admin-guide/cgroup-v2.rst). Weights are
 * converted as other runtimes do: shares 2 to 262144 become 1 to 10000, block weights 10 to 1000 too.
 *
 * @throws Fault for a limit that there is no file for.
 */
export function settingsV2(limits: ResourceLimits): LimitSetting[] {
  const out: LimitSetting[] = [];
  const set = (file: string, value: string | number, what: string): void => {
    const first = file.slice(0, file.indexOf("."));
    out.push({ controller: first === "cgroup" ? "" : first, file, value: String(value), what });
  };
  cpu(limits, set);
  memory(limits, set);
  const pids = limits.pids?.limit;
  if (pids !== undefined && pids !== 0) {
    set("pids.max", pids < 0 ? "max" : pids, `processes to ${pids < 0 ? "any number" : pids}`);
  }
  blockIO(limits, set);
  for (const { pageSize, limit } of limits.hugepageLimits ?? []) {
    set(`hugetlb.${pageSize}.max`, plain(limit), `pages of ${pageSize}`);
  }
  for (const [name, { hcaHandles, hcaObjects }] of Object.entries(limits.rdma ?? {})) {
    const parts = [
      ...(hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`]),
      ...(hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`]),
    ];
    if (parts.length > 0) set("rdma.max", `${name} ${parts.join(" ")}`, `RDMA of ${name}`);
  }
  if (limits.network !== undefined && Object.keys(limits.network).length > 0)
    throw lacks("[network]");
  // Everything is allowed anyway; a refusal takes a BPF program, which only root may load.
  if (limits.devices?.some((rule) => !rule.allow)) throw lacks("a [[devices]] rule that forbids");
  for (const [file, value] of Object.entries(limits.unified ?? {})) {
    if (!/^[a-z0-9_]+\.[A-Za-z0-9_.]+$/.test(file)) {
      throw new Fault(
        "invalid",
        `Cannot limit the container: [unified] "${file}" is no name of a file`,
      );
    }
    set(file, value, `${file} to ${value}`);
  }
  return out;
}

type Set = (file: string, value: string | number, what: string) => void;

function plain(value: number): string {
  return value < 0 ? "max" : BigInt(Math.trunc(value)).toString();
}

function cpu({ cpu: limits = {} }: ResourceLimits, set: Set): void {
  const { shares, quota, period, cpus, mems } = limits;
  if (shares !== undefined && shares > 0) {
    const bounded = Math.min(262144, Math.max(2, shares));
    const weight = 1 + Math.floor(((bounded - 2) * 9999) / 262142);
    set("cpu.weight", weight, `processor time to ${shares} shares`);
  }
  if (quota !== undefined || period !== undefined) {
    const most = quota === undefined || quota <= 0 ? "max" : quota;
    const per = period === undefined || period === 0 ? 100_000 : period;
    const what = most === "max" ? "any amount" : `${most / per} processors`;
    set("cpu.max", `${most} ${per}`, `processor time to ${what}`);
  }
  if (limits.realtimeRuntime || limits.realtimePeriod)
    throw lacks("a limit of real-time processor time");
  if (cpus !== undefined && cpus !== "") set("cpuset.cpus", cpus, `processors to ${cpus}`);
  if (mems !== undefined && mems !== "") set("cpuset.mems", mems, `memory nodes to ${mems}`);
}

function memory({ memory: limits = {} }: ResourceLimits, set: Set): void {
  const { limit, reservation, swap } = limits;
  if (limit !== undefined && limit !== 0)
    set("memory.max", plain(limit), `memory to ${limit} bytes`);
  if (reservation !== undefined && reservation !== 0) {
    set("memory.low", plain(reservation), `memory to ${reservation} bytes, softly`);
  }
  if (swap !== undefined && swap !== 0) {
    if (swap > 0 && (limit === undefined || limit <= 0 || swap < limit)) {
      throw new Fault(
        "invalid",
        "Cannot limit the container: a limit of swap counts memory too, and needs one of memory that is not above it",
      );
    }
    const alone = swap < 0 ? "max" : plain(swap - (limit ?? 0));
    set("memory.swap.max", alone, `swap to ${alone} bytes`);
  }
  if (limits.disableOOMKiller) throw lacks("a disabled out-of-memory killer (--oom-kill-disable)");
  if (limits.swappiness !== undefined) throw lacks("swappiness");
}

function blockIO({ blockIO: limits = {} }: ResourceLimits, set: Set): void {
  const scaled = (weight: number): number => 1 + Math.floor(((weight - 10) * 9999) / 990);
  if (limits.weight) {
    set(
      "io.weight",
      `default ${scaled(limits.weight)}`,
      `block input and output to ${limits.weight}`,
    );
  }
  for (const { major, minor, weight } of limits.weightDevice ?? []) {
    if (weight) set("io.weight", `${major}:${minor} ${scaled(weight)}`, `device ${major}:${minor}`);
  }
  const throttle = (rates: readonly DeviceRate[] | undefined, word: string): void => {
    for (const { major, minor, rate } of rates ?? []) {
      set(
        "io.max",
        `${major}:${minor} ${word}=${rate}`,
        `device ${major}:${minor} to ${rate} ${word}`,
      );
    }
  };
  throttle(limits.throttleReadBpsDevice, "rbps");
  throttle(limits.throttleWriteBpsDevice, "wbps");
  throttle(limits.throttleReadIOPSDevice, "riops");
  throttle(limits.throttleWriteIOPSDevice, "wiops");
}
