import { gpuHost } from "../gpu.ts";
import { readHostText } from "../read-text.ts";
import { installLine } from "./_packages.ts";
import { describeTool, toolVersion } from "./_version.ts";
import type { Check, ProbeInput } from "./check.ts";

/** Graphics cards, their drivers, and what brings them into containers. */
export async function probeGpus(input: ProbeInput): Promise<readonly Check[]> {
  const { host } = input;
  const devices = host.files.list("/dev") ?? [];
  const cards = devices.filter((name) => /^nvidia\d+$/.test(name));
  const checks: Check[] = [];
  const driver = driverVersion(readHostText("/proc/driver/nvidia/version"));
  if (cards.length > 0 || driver !== undefined) {
    checks.push(nvidiaCheck(input, cards.length, driver));
    const cli = await toolVersion(input, "nvidia-container-cli");
    const base = { id: "gpu.nvidia-container-cli", name: "nvidia-container-cli" };
    checks.push(
      cli === undefined
        ? {
            ...base,
            state: "limited",
            found: "not installed",
            means: "--nvccli does not work; --nv does without it",
            remedy: installLine("nvidia-container-cli"),
          }
        : { ...base, state: "ok", found: describeTool(cli) },
    );
  }
  if (devices.includes("kfd")) {
    const isOpen = devices.includes("dri");
    const base = { id: "gpu.amd", name: "AMD GPU" };
    checks.push(
      isOpen
        ? { ...base, state: "ok", found: "/dev/kfd, /dev/dri" }
        : {
            ...base,
            state: "limited",
            found: "/dev/kfd without /dev/dri",
            means: "--rocm finds no card",
            remedy: "as root: modprobe amdgpu",
          },
    );
  }
  return checks.length > 0 ? checks : [{ id: "gpu", name: "GPUs", state: "ok", found: "none" }];
}

function nvidiaCheck({ host }: ProbeInput, cards: number, driver: string | undefined): Check {
  const base = { id: "gpu.nvidia", name: "NVIDIA GPU" };
  const found = `${cards} ${cards === 1 ? "card" : "cards"}, driver ${driver ?? "not loaded"}`;
  if (driver === undefined || cards === 0) {
    const means = "programs in containers find no card";
    return {
      ...base,
      state: "limited",
      found,
      means,
      remedy: "as root: nvidia-modprobe -u -c 0, or load the driver",
    };
  }
  const hasCuda = gpuHost(host).libraries.some((library) => library.name.startsWith("libcuda.so"));
  if (hasCuda) return { ...base, state: "ok", found };
  return {
    ...base,
    state: "limited",
    found: `${found}; libcuda is not in the linker's cache`,
    means: "--nv has no libraries to bring",
    remedy: "as root: ldconfig, after adding the driver's directory to /etc/ld.so.conf.d",
  };
}

/** "550.54.14" out of /proc/driver/nvidia/version. */
export function driverVersion(text: string): string | undefined {
  return text.match(/^NVRM version:.*?\s(\d+\.\d+(?:\.\d+)?)\s/m)?.[1];
}
