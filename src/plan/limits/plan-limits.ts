import type { LimitsPlan } from "../plan.ts";
import type { CgroupFacts } from "./cgroup-facts.ts";
import { chooseGroups } from "./choose-groups.ts";
import type { LimitSetting } from "./limit-setting.ts";
import type { ResourceLimits } from "./resource-limits.ts";
import { settingsV1 } from "./settings-v1.ts";
import { settingsV2 } from "./settings-v2.ts";

/**
 * The control groups of a container and what is written to them (reference: runtime.md 6.1).
 *
 * @param why who asked for the limits.
 * @throws Fault when this caller cannot have them here.
 */
export function planLimits(
  limits: ResourceLimits,
  facts: CgroupFacts,
  allow: { readonly systemd: boolean; readonly isRoot: boolean },
  why: string,
): LimitsPlan | undefined {
  const older = facts.trees.filter((tree) => tree.version === 1);
  const isOld = (controller: string): boolean =>
    older.some((tree) => tree.controllers.includes(controller));
  // On a machine with both versions each controller is in one of them.
  const first = settingsV1({ ...limits, unified: {} }).filter((s) => isOld(s.controller));
  const second = settingsV2(withoutOld(limits, isOld));
  if (first.length + second.length === 0) return undefined;
  const names = (settings: readonly LimitSetting[]) => settings.map((s) => s.controller);
  const groups = chooseGroups(names(first), names(second), facts, allow);
  const isCpuset = first.some((s) => s.controller === "cpuset");
  return {
    ...groups,
    resources: limits,
    why: `${why}; in ${groups.why}`,
    settings: [...(isCpuset ? cpusetOf(first, facts) : []), ...first, ...second].map((setting) =>
      withWeights(setting, facts),
    ),
  };
}

/** What is left for version 2. */
function withoutOld(
  limits: ResourceLimits,
  isOld: (controller: string) => boolean,
): ResourceLimits {
  const { cpus, mems, ...time } = limits.cpu ?? {};
  const sets = { ...(cpus === undefined ? {} : { cpus }), ...(mems === undefined ? {} : { mems }) };
  const topics: readonly (readonly [keyof ResourceLimits, string])[] = [
    ["memory", "memory"],
    ["pids", "pids"],
    ["blockIO", "blkio"],
    ["devices", "devices"],
    ["hugepageLimits", "hugetlb"],
    ["network", "net_cls"],
    ["network", "net_prio"],
    ["rdma", "rdma"],
  ];
  const gone = topics.filter(([, controller]) => isOld(controller)).map(([topic]) => topic);
  const left = Object.entries(limits).filter(([topic]) => !gone.some((one) => one === topic));
  return {
    ...Object.fromEntries(left),
    cpu: { ...(isOld("cpu") ? {} : time), ...(isOld("cpuset") ? {} : sets) },
  };
}

/** Weights of block devices have another name where the scheduler BFQ keeps them. */
function withWeights(setting: LimitSetting, facts: CgroupFacts): LimitSetting {
  const isOld = /^blkio\.(weight|weight_device)$/.test(setting.file);
  if (!isOld) return setting;
  const own = facts.trees.find((tree) => tree.controllers.includes("blkio"))?.own ?? "";
  const isBfq =
    facts.exists(`${own}/blkio.bfq.io_serviced`) && !facts.exists(`${own}/${setting.file}`);
  return isBfq ? { ...setting, file: setting.file.replace("blkio.", "blkio.bfq.") } : setting;
}

/** A cpuset of version 1 takes no process before it has both processors and memory nodes. */
function cpusetOf(settings: readonly LimitSetting[], facts: CgroupFacts): LimitSetting[] {
  const own = facts.trees.find((tree) => tree.controllers.includes("cpuset"))?.own ?? "";
  return ["cpuset.cpus", "cpuset.mems"]
    .filter((file) => settings.every((setting) => setting.file !== file))
    .map((file) => ({
      controller: "cpuset",
      file,
      value: facts.words(`${own}/${file}`).join(" "),
      what: `${file} as it is`,
    }));
}
