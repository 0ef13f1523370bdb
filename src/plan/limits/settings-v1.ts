import { Fault } from "../../base/fault.ts";
import type { LimitSetting } from "./limit-setting.ts";
import type { DeviceRate, ResourceLimits } from "./resource-limits.ts";

/**
 * The files of cgroup version 1 for limits (Documentation/admin-guide/cgroup-v1), in an order that
 * the kernel accepts: memory before memory with swap, denials of devices as they are given.
 *
 * @throws Fault for `unified`, which only version 2 has.
 */
export function settingsV1(limits: ResourceLimits): LimitSetting[] {
  const out: LimitSetting[] = [];
  const set: Set = (controller, file, value, what) => {
    out.push({ controller, file: `${controller}.${file}`, value: String(value), what });
  };
  cpu(limits, set);
  memory(limits, set);
  const pids = limits.pids?.limit;
  if (pids !== undefined && pids !== 0) {
    set("pids", "max", pids < 0 ? "max" : pids, `processes to ${pids < 0 ? "any number" : pids}`);
  }
  blockIO(limits, set);
  for (const { allow, type, major, minor, access } of limits.devices ?? []) {
    const all = type === "a";
    const number = (value: number | undefined): string => (value === undefined ? "*" : `${value}`);
    const rule = all ? "a" : `${type} ${number(major)}:${number(minor)} ${access}`;
    set("devices", allow ? "allow" : "deny", rule, `devices (${allow ? "allow" : "deny"} ${rule})`);
  }
  for (const { pageSize, limit } of limits.hugepageLimits ?? []) {
    set("hugetlb", `${pageSize}.limit_in_bytes`, plain(limit), `pages of ${pageSize}`);
  }
  for (const [name, { hcaHandles, hcaObjects }] of Object.entries(limits.rdma ?? {})) {
    const handles = hcaHandles === undefined ? "" : ` hca_handle=${hcaHandles}`;
    const objects = hcaObjects === undefined ? "" : ` hca_object=${hcaObjects}`;
    set("rdma", "max", `${name}${handles}${objects}`, `RDMA of ${name}`);
  }
  const { classID, priorities = [] } = limits.network ?? {};
  if (classID !== undefined) set("net_cls", "classid", classID, `the network class to ${classID}`);
  for (const { name, priority } of priorities) {
    set("net_prio", "ifpriomap", `${name} ${priority}`, `the priority of ${name}`);
  }
  if (limits.unified !== undefined && Object.keys(limits.unified).length > 0) {
    throw new Fault("unsupported", "Cannot limit the container: [unified] needs cgroup version 2");
  }
  return out;
}

type Set = (controller: string, file: string, value: string | number, what: string) => void;

function plain(value: number): string {
  return value < 0 ? "-1" : BigInt(Math.trunc(value)).toString();
}

function cpu({ cpu: limits = {} }: ResourceLimits, set: Set): void {
  const { shares, quota, period, realtimeRuntime, realtimePeriod, cpus, mems } = limits;
  if (shares) set("cpu", "shares", shares, `processor time to ${shares} shares`);
  if (period) set("cpu", "cfs_period_us", period, `processor time by ${period} microseconds`);
  if (quota) {
    const what = quota < 0 ? "any amount" : `${quota / (period || 100_000)} processors`;
    set("cpu", "cfs_quota_us", quota, `processor time to ${what}`);
  }
  if (realtimePeriod) set("cpu", "rt_period_us", realtimePeriod, "real-time processor time");
  if (realtimeRuntime) set("cpu", "rt_runtime_us", realtimeRuntime, "real-time processor time");
  if (cpus) set("cpuset", "cpus", cpus, `processors to ${cpus}`);
  if (mems) set("cpuset", "mems", mems, `memory nodes to ${mems}`);
}

function memory({ memory: limits = {} }: ResourceLimits, set: Set): void {
  const { limit, reservation, swap, kernel, kernelTCP, swappiness, disableOOMKiller } = limits;
  if (limit) set("memory", "limit_in_bytes", plain(limit), `memory to ${limit} bytes`);
  if (swap) set("memory", "memsw.limit_in_bytes", plain(swap), `memory and swap to ${swap} bytes`);
  if (reservation) {
    set(
      "memory",
      "soft_limit_in_bytes",
      plain(reservation),
      `memory to ${reservation} bytes, softly`,
    );
  }
  if (kernel) set("memory", "kmem.limit_in_bytes", plain(kernel), "memory of the kernel");
  if (kernelTCP) set("memory", "kmem.tcp.limit_in_bytes", plain(kernelTCP), "memory of TCP");
  if (swappiness !== undefined) set("memory", "swappiness", swappiness, "swappiness");
  if (disableOOMKiller) set("memory", "oom_control", 1, "memory without an out-of-memory killer");
}

function blockIO({ blockIO: limits = {} }: ResourceLimits, set: Set): void {
  const { weight, leafWeight } = limits;
  if (weight) set("blkio", "weight", weight, `block input and output to ${weight}`);
  if (leafWeight) set("blkio", "leaf_weight", leafWeight, "block input and output");
  for (const device of limits.weightDevice ?? []) {
    const name = `${device.major}:${device.minor}`;
    if (device.weight) set("blkio", "weight_device", `${name} ${device.weight}`, `device ${name}`);
    if (device.leafWeight) {
      set("blkio", "leaf_weight_device", `${name} ${device.leafWeight}`, `device ${name}`);
    }
  }
  const throttle = (rates: readonly DeviceRate[] | undefined, file: string): void => {
    for (const { major, minor, rate } of rates ?? []) {
      const what = `device ${major}:${minor} to ${rate}`;
      set("blkio", `throttle.${file}`, `${major}:${minor} ${rate}`, what);
    }
  };
  throttle(limits.throttleReadBpsDevice, "read_bps_device");
  throttle(limits.throttleWriteBpsDevice, "write_bps_device");
  throttle(limits.throttleReadIOPSDevice, "read_iops_device");
  throttle(limits.throttleWriteIOPSDevice, "write_iops_device");
}
