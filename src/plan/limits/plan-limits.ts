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
  const isOlder = facts.trees.every((tree) => tree.version === 1 || tree.controllers.length === 0);
  const wanted = (settings: readonly LimitSetting[]) => settings.map((s) => s.controller);
  // On a machine with both versions the controllers decide which of them it is.
  const hasRaw = Object.keys(limits.unified ?? {}).length > 0;
  const oldTrees = facts.trees.filter((tree) => tree.version === 1);
  const isInOld =
    !hasRaw &&
    wanted(settingsV1({ ...limits, unified: {} })).some((name) =>
      oldTrees.some((tree) => tree.controllers.includes(name)),
    );
  const settings = isOlder || isInOld ? settingsV1(limits) : settingsV2(limits);
  if (settings.length === 0) return undefined;
  const groups = chooseGroups(wanted(settings), facts, allow);
  const isCpuset = groups.version === 1 && settings.some((s) => s.controller === "cpuset");
  return {
    ...groups,
    resources: limits,
    why: `${why}; in ${groups.why}`,
    settings: isCpuset ? [...cpusetOf(settings, facts), ...settings] : settings,
  };
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
