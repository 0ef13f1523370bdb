import type { HostFacts } from "../facts.ts";
import { type GpuBinds, NO_GPU } from "../gpu-binds.ts";
import type { Notice } from "../plan.ts";
import { cdiBinds } from "./cdi-binds.ts";
import { selectCdiDevices } from "./cdi-devices.ts";
import { NV_LIST, ROCM_LIST } from "./default-lists.ts";
import type { GpuFacts } from "./gpu-facts.ts";
import { parseGpuList } from "./gpu-list.ts";
import { type GpuOutcome, legacyBinds } from "./legacy-binds.ts";
import { type NvidiaCliRequest, planNvidiaCli } from "./nvidia-cli.ts";

/** What was asked for. */
export interface GpuRequest {
  /** What asked for `--nv`: a flag or a configuration line; undefined when nothing did. */
  readonly nv: string | undefined;
  /** What asked for nvidia-container-cli in the place of the list; undefined: nothing did. */
  readonly nvidiaCli?: NvidiaCliRequest | undefined;
  readonly rocm: string | undefined;
  /** `--device` names, in order. */
  readonly devices: readonly string[];
  readonly writable: boolean;
}

/**
 * Everything of the host's GPUs that the container gets, from `--nv`, `--rocm` and `--device`
 * together. Of two entries for one place the first counts.
 */
export function planGpu(
  request: GpuRequest,
  host: HostFacts,
  facts: GpuFacts,
): { readonly binds: GpuBinds; readonly notices: readonly Notice[] } {
  const { writable } = request;
  const outcomes: GpuOutcome[] = [];
  if (request.nvidiaCli !== undefined) outcomes.push(planNvidiaCli(request.nvidiaCli, host));
  else if (request.nv !== undefined) {
    const list = parseGpuList(facts.nvList ?? NV_LIST);
    const wanted = { platform: "nv", list, why: request.nv, writable } as const;
    outcomes.push(legacyBinds(wanted, host, facts));
  }
  if (request.rocm !== undefined) {
    const list = parseGpuList(facts.rocmList ?? ROCM_LIST);
    const wanted = { platform: "rocm", list, why: request.rocm, writable } as const;
    outcomes.push(legacyBinds(wanted, host, facts));
  }
  if (request.devices.length > 0) {
    const selection = selectCdiDevices(request.devices, facts.cdiFiles);
    outcomes.push(cdiBinds(selection, host, facts));
  }
  return outcomes.length === 0 ? { binds: NO_GPU, notices: [] } : merge(outcomes);
}

function merge(outcomes: readonly GpuOutcome[]): ReturnType<typeof planGpu> {
  const binds = outcomes.map((outcome) => outcome.binds);
  const setup = binds.find((b) => b.setup !== undefined)?.setup;
  const texts = new Set<string>();
  const isNew = (text: string) => !texts.has(text) && texts.add(text) !== undefined;
  return {
    binds: {
      libraries: firstOf(
        binds.flatMap((b) => b.libraries),
        (library) => library.name,
      ),
      files: firstOf(
        binds.flatMap((b) => b.files),
        (file) => file.target,
      ),
      devices: [...new Set(binds.flatMap((b) => b.devices))],
      environment: binds.flatMap((b) => b.environment),
      ...(setup === undefined ? {} : { setup }),
    },
    notices: outcomes.flatMap((o) => o.notices).filter((notice) => isNew(notice.text)),
  };
}

function firstOf<Item>(items: readonly Item[], key: (item: Item) => string): readonly Item[] {
  const seen = new Map<string, Item>();
  for (const item of items) if (!seen.has(key(item))) seen.set(key(item), item);
  return [...seen.values()];
}
