import { Fault } from "../../base/fault.ts";
import { dirName } from "../../base/path.ts";
import type { LimitGroup, LimitsPlan } from "../plan.ts";
import type { CgroupFacts, CgroupTree } from "./cgroup-facts.ts";

/** Where the container's groups go, and how. */
export type GroupsPlan = Pick<LimitsPlan, "version" | "place" | "why">;

/** A group of version 2 that others can be made in. */
interface Candidate {
  readonly group: LimitGroup;
  /** The caller is in it and nobody else: it moves down first, else no controller can be switched on. */
  readonly moveFirst: boolean;
}

/**
 * Where groups with the given controllers can be made: beside each other in the trees of version 1
 * that have them, and for the others in the caller's own group of version 2 or the nearest one above
 * it that is the caller's to use, or by asking systemd.
 *
 * @param old controllers in trees of version 1; @param others those to be had from version 2.
 * @throws Fault `unsupported` that says what is needed.
 */
export function chooseGroups(
  old: readonly string[],
  others: readonly string[],
  facts: CgroupFacts,
  allow: { readonly systemd: boolean; readonly isRoot: boolean },
): GroupsPlan {
  if (facts.trees.length === 0) {
    throw cannot("no control groups are mounted", "mount them below /sys/fs/cgroup");
  }
  if (old.length === 0) return chooseUnified(others, facts, allow);
  const plain = oldGroups(old, facts);
  const why = "the caller's own control groups";
  if (others.length === 0) {
    return { version: 1, place: { kind: "directories", groups: plain, moveFirst: false }, why };
  }
  const { place } = chooseUnified(others, facts, { ...allow, systemd: false });
  const more = place.kind === "directories" ? place : { groups: [], moveFirst: false };
  const groups = [...plain, ...more.groups];
  return { version: 2, place: { ...more, kind: "directories", groups }, why };
}

function chooseUnified(
  controllers: readonly string[],
  facts: CgroupFacts,
  allow: { readonly systemd: boolean; readonly isRoot: boolean },
): GroupsPlan {
  const needed = [...new Set(controllers)].filter((name) => name !== "");
  const unified = facts.trees.find((tree) => tree.version === 2);
  const missing = needed.filter((name) => unified?.controllers.includes(name) !== true);
  if (unified === undefined || missing.length > 0) {
    throw cannot(`the kernel has no controller ${missing.join(", ")} here`, "leave the limit out");
  }
  const isManaged = facts.systemd !== undefined && allow.systemd;
  const found = isManaged && allow.isRoot ? undefined : climb(unified, needed, facts);
  if (found !== undefined) {
    return {
      version: 2,
      place: { kind: "directories", groups: [found.group], moveFirst: found.moveFirst },
      why:
        found.group.parent === unified.own
          ? "the caller's own control group"
          : "the nearest control group that the caller may use",
    };
  }
  if (isManaged && facts.systemd !== undefined) {
    const { tool, bus } = facts.systemd;
    return {
      version: 2,
      place: { kind: "systemd", tool, bus, enable: needed },
      why: "systemd cgroups = yes",
    };
  }
  throw cannot(
    "rootless cgroups require a control group that is delegated to you, or a systemd user session",
    allow.systemd
      ? "log in so that XDG_RUNTIME_DIR and DBUS_SESSION_BUS_ADDRESS are set, or ask the administrator for a delegated group"
      : "ask the administrator for a delegated group",
  );
}

function treeOf(trees: readonly CgroupTree[], controller: string): CgroupTree | undefined {
  return trees.find((tree) => tree.controllers.includes(controller));
}

function oldGroups(needed: readonly string[], facts: CgroupFacts): readonly LimitGroup[] {
  const older = facts.trees.filter((tree) => tree.version === 1);
  const groups = new Map<string, LimitGroup>();
  for (const name of needed) {
    const tree = treeOf(older, name);
    if (tree === undefined || groups.get(tree.own)?.controllers.includes(name) === true) continue;
    if (!facts.canWrite(tree.own)) {
      throw cannot(
        `rootless cgroups require cgroups v2, and ${name} is in a tree of version 1 (${tree.mount}) where you may make no group`,
        "boot with the kernel parameter systemd.unified_cgroup_hierarchy=1, or start the container as root",
      );
    }
    const controllers = [...(groups.get(tree.own)?.controllers ?? []), name];
    groups.set(tree.own, { parent: tree.own, controllers, enable: [] });
  }
  return [...groups.values()];
}

/** From the caller's own group upwards: the first in which a group with the controllers can be made. */
function climb(
  tree: CgroupTree,
  needed: readonly string[],
  facts: CgroupFacts,
): Candidate | undefined {
  for (let dir = tree.own; ; dir = dirName(dir)) {
    const candidate = judge(tree, dir, needed, facts);
    if (candidate !== undefined) return candidate;
    if (dir === tree.mount || dir === "/") return undefined;
  }
}

function judge(
  tree: CgroupTree,
  dir: string,
  needed: readonly string[],
  facts: CgroupFacts,
): Candidate | undefined {
  if (!facts.canWrite(dir) || !facts.canWrite(`${dir}/cgroup.procs`)) return undefined;
  const offered = facts.words(`${dir}/cgroup.controllers`);
  if (!needed.every((name) => offered.includes(name))) return undefined;
  const on = facts.words(`${dir}/cgroup.subtree_control`);
  const enable = needed.filter((name) => !on.includes(name));
  // Files that every group has are under no controller's name.
  const group: LimitGroup = { parent: dir, controllers: [...needed, ""], enable };
  if (enable.length === 0) return { group, moveFirst: false };
  if (!facts.canWrite(`${dir}/cgroup.subtree_control`)) return undefined;
  // A group with processes in it cannot hand controllers down, but for the root of all.
  const isTop = !facts.exists(`${dir}/cgroup.type`);
  const processes = facts.words(`${dir}/cgroup.procs`).length;
  if (isTop || processes === 0) return { group, moveFirst: false };
  return processes === 1 && dir === tree.own ? { group, moveFirst: true } : undefined;
}

function cannot(why: string, hint: string): Fault {
  return new Fault("unsupported", `Cannot limit the container: cannot use cgroups - ${why}`, {
    hint,
  });
}
