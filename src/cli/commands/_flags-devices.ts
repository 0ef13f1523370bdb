import type { FlagSpec } from "../spec.ts";

/** Graphics cards and other accelerators. */
export const DEVICE_FLAGS: readonly FlagSpec[] = [
  {
    name: "nv",
    kind: "bool",
    env: ["NV"],
    help: "bring NVIDIA devices, libraries and programs of the host into the container",
  },
  {
    name: "no-nv",
    kind: "bool",
    env: ["NV_OFF", "NO_NV"],
    hidden: true,
    help: "no NVIDIA support although the configuration asks for it",
  },
  {
    name: "nvccli",
    kind: "bool",
    env: ["NVCCLI"],
    help: "set NVIDIA cards up by nvidia-container-cli; implies --nv",
  },
  {
    name: "rocm",
    kind: "bool",
    env: ["ROCM"],
    help: "bring AMD ROCm devices and libraries of the host into the container",
  },
  {
    name: "no-rocm",
    kind: "bool",
    env: ["ROCM_OFF", "NO_ROCM"],
    hidden: true,
    help: "no ROCm support although the configuration asks for it",
  },
  {
    name: "intel-hpu",
    kind: "bool",
    env: ["INTEL_HPU"],
    help: "bring Intel Gaudi devices into a minimal /dev",
  },
  {
    name: "device",
    kind: "strings",
    meta: "vendor/class=name",
    help: "add a device described by a CDI specification",
  },
  {
    name: "cdi-dirs",
    kind: "strings",
    default: "/etc/cdi,/var/run/cdi",
    meta: "dir",
    values: "dir",
    help: "directories of CDI specifications",
  },
];
