import type { HostFacts } from "../plan/facts.ts";
import type { CgroupFacts, CgroupTree } from "../plan/limits/cgroup-facts.ts";
import { readHostText } from "./read-text.ts";
import { access, F_OK, W_OK } from "./syscall.ts";

/** Control groups of this machine and where the caller is in them (cgroups(7)). */
export function cgroupFacts(host: HostFacts): CgroupFacts {
  const own = readHostText("/proc/self/cgroup");
  return {
    trees: host.mounts.flatMap((mount) => {
      if (mount.fstype !== "cgroup" && mount.fstype !== "cgroup2") return [];
      const tree = treeOf(mount.fstype === "cgroup2" ? 2 : 1, mount, own);
      return tree === undefined ? [] : [tree];
    }),
    exists: (path) => access(path, F_OK) === 0,
    canWrite: (path) => access(path, W_OK) === 0,
    words,
    systemd: systemdOf(host),
  };
}

/** Directories of the groups with limits that a container's process is in; mostly none. */
export function limitGroupsOf(pid: number, host: HostFacts): readonly string[] {
  const table = readHostText(`/proc/${pid}/cgroup`);
  if (!/\/skiff-[0-9]+$/m.test(table)) return [];
  const dirs = host.mounts.flatMap((mount) => {
    if (mount.fstype !== "cgroup" && mount.fstype !== "cgroup2") return [];
    return treeOf(mount.fstype === "cgroup2" ? 2 : 1, mount, table)?.own ?? [];
  });
  return [...new Set(dirs.filter((dir) => /\/skiff-[0-9]+$/.test(dir)))];
}

function words(path: string): readonly string[] {
  return readHostText(path)
    .split(/\s+/)
    .filter((word) => word !== "");
}

/** `hierarchy:controllers:path` of /proc/self/cgroup matched with a mount of it. */
function treeOf(
  version: 1 | 2,
  mount: HostFacts["mounts"][number],
  table: string,
): CgroupTree | undefined {
  for (const line of table.split("\n")) {
    const [, hierarchy, names = "", path = ""] = /^([0-9]+):([^:]*):(\/.*)$/.exec(line) ?? [];
    if (hierarchy === undefined) continue;
    const list = names.split(",");
    const isIt =
      version === 2
        ? hierarchy === "0" && names === ""
        : names !== "" && list.every((name) => mount.superOptions.includes(name));
    if (!isIt) continue;
    // A mount may show only a part of the tree; a group outside of it is not to be reached.
    const below =
      mount.root === "/" ? path : path.startsWith(mount.root) ? path.slice(mount.root.length) : "";
    const dir = below === "" || below === "/" ? mount.target : `${mount.target}${below}`;
    return {
      version,
      controllers: version === 2 ? words(`${mount.target}/cgroup.controllers`) : list,
      mount: mount.target,
      own: access(dir, F_OK) === 0 ? dir : mount.target,
    };
  }
  return undefined;
}

function systemdOf(host: HostFacts): CgroupFacts["systemd"] {
  const tool = host.tool("busctl");
  if (tool === undefined) return undefined;
  if (host.isRealRoot) {
    const isInit = host.files.lstat("/run/systemd/system") !== undefined;
    return isInit ? { tool, bus: "system" } : undefined;
  }
  const has = (name: string): boolean => (host.env[name] ?? "") !== "";
  const hasSession = has("XDG_RUNTIME_DIR") && has("DBUS_SESSION_BUS_ADDRESS");
  return hasSession ? { tool, bus: "user" } : undefined;
}
