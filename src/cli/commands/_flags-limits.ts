import type { FlagSpec } from "../spec.ts";

/** Resource limits by cgroups. */
export const LIMIT_FLAGS: readonly FlagSpec[] = [
  {
    name: "apply-cgroups",
    kind: "string",
    env: ["APPLY_CGROUPS"],
    meta: "file",
    values: "file",
    help: "limits from a TOML file, instead of the flags below",
  },
  {
    name: "blkio-weight",
    kind: "int",
    env: ["BLKIO_WEIGHT"],
    meta: "n",
    help: "relative weight of block I/O, 10 to 1000; 0 for none",
  },
  {
    name: "blkio-weight-device",
    kind: "strings",
    env: ["BLKIO_WEIGHT_DEVICE"],
    meta: "device:n",
    help: "the same for one device",
  },
  {
    name: "cpu-shares",
    kind: "int",
    env: ["CPU_SHARES"],
    default: "-1",
    meta: "n",
    help: "relative share of processor time",
  },
  // The reference tool reads CPU_SHARES here too, so that one variable sets two unlike limits.
  {
    name: "cpus",
    kind: "string",
    env: ["CPUS"],
    meta: "n",
    help: "number of processors, such as 1.5",
  },
  {
    name: "cpuset-cpus",
    kind: "string",
    env: ["CPUSET_CPUS"],
    meta: "list",
    help: "processors that may be used, such as 0-3,8",
  },
  {
    name: "cpuset-mems",
    kind: "string",
    env: ["CPUSET_MEMS"],
    meta: "list",
    help: "memory nodes that may be used",
  },
  {
    name: "memory",
    kind: "string",
    env: ["MEMORY"],
    meta: "bytes",
    help: "memory limit, with k, m or g for units of 1024",
  },
  {
    name: "memory-reservation",
    kind: "string",
    env: ["MEMORY_RESERVATION"],
    meta: "bytes",
    help: "soft memory limit",
  },
  {
    name: "memory-swap",
    kind: "string",
    env: ["MEMORY_SWAP"],
    meta: "bytes",
    help: "limit of memory and swap together; -1 for none",
  },
  {
    name: "oom-kill-disable",
    kind: "bool",
    env: ["OOM_KILL_DISABLE"],
    help: "no out-of-memory killer (cgroups version 1 only)",
  },
  {
    name: "pids-limit",
    kind: "int",
    env: ["PIDS_LIMIT"],
    meta: "n",
    help: "number of processes; -1 for no limit",
  },
];
