import { probeBuildTools } from "./build-tools.ts";
import { probeCgroups } from "./cgroups.ts";
import type { Check, Probe, ProbeInput } from "./check.ts";
import { probeConfiguration } from "./configuration.ts";
import { probeFuse } from "./fuse.ts";
import { probeGpus } from "./gpus.ts";
import { probeKernel } from "./kernel.ts";
import { probeLoopDevices } from "./loop-devices.ts";
import { probeNamespaces } from "./namespaces.ts";
import { probeNetworks } from "./networks.ts";
import { probeOciRuntimes } from "./oci-runtimes.ts";
import { probeOverlay } from "./overlay.ts";
import { probeStorage } from "./storage.ts";
import { probeSubids } from "./sub-ids.ts";

const PROBES: readonly Probe[] = [
  probeConfiguration,
  probeKernel,
  probeNamespaces,
  probeSubids,
  probeFuse,
  probeOverlay,
  probeLoopDevices,
  probeStorage,
  probeBuildTools,
  probeOciRuntimes,
  probeCgroups,
  probeNetworks,
  probeGpus,
];

/** All checks of this host, by topic in a fixed order. The probes run at the same time. */
export async function probeAll(input: ProbeInput): Promise<readonly Check[]> {
  return (await Promise.all(PROBES.map((probe) => probe(input)))).flat();
}

/**
 * Whether a container can be started from a SIF image: namespaces, or root; and some way to the
 * files in it, mounted or unpacked.
 */
export function canRunContainers(checks: readonly Check[], isRealRoot: boolean): boolean {
  const stateOf = (id: string) => checks.find((check) => check.id === id)?.state;
  const foundOf = (id: string) => checks.find((check) => check.id === id)?.found;
  const isInstalled = (id: string) => foundOf(id) !== "not installed";
  const canMount = isInstalled("fuse.squashfuse") && stateOf("fuse.device") === "ok";
  const canLoop = isRealRoot && stateOf("loop") === "ok";
  return (
    (isRealRoot || stateOf("namespaces.user") !== "missing") &&
    (canMount || canLoop || isInstalled("tools.unsquashfs"))
  );
}
