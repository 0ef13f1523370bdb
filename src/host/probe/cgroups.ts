import { readHostText } from "../read-text.ts";
import { access, W_OK } from "../syscall.ts";
import type { Check, ProbeInput } from "./check.ts";

/** Control groups: which version, and whether the caller may limit its own containers. */
export async function probeCgroups({ host }: ProbeInput): Promise<readonly Check[]> {
  const base = { id: "cgroups", name: "control groups" };
  const roots = host.mounts.filter(
    (mount) => mount.fstype === "cgroup2" || mount.fstype === "cgroup",
  );
  const unified = roots.find(
    (mount) => mount.fstype === "cgroup2" && mount.target === "/sys/fs/cgroup",
  );
  const remedy = "as root: boot with the kernel parameter systemd.unified_cgroup_hierarchy=1";
  if (unified === undefined) {
    const found = roots.length === 0 ? "none mounted" : "version 1";
    const means = "ordinary users cannot limit containers (--memory, --cpus, --pids-limit)";
    return [
      {
        ...base,
        state: host.isRealRoot && roots.length > 0 ? "ok" : "limited",
        found,
        means,
        remedy,
      },
    ];
  }
  if (host.isRealRoot) return [{ ...base, state: "ok", found: "version 2" }];
  const path = readHostText("/proc/self/cgroup").match(/^0::(\/.*)$/m)?.[1] ?? "/";
  const own = `${unified.target}${path === "/" ? "" : path}`;
  const controllers = readHostText(`${own}/cgroup.controllers`).trim();
  const isDelegated = access(`${own}/cgroup.procs`, W_OK) === 0;
  const hasSession =
    (host.env["XDG_RUNTIME_DIR"] ?? "") !== "" &&
    (host.env["DBUS_SESSION_BUS_ADDRESS"] ?? "") !== "";
  const found = `version 2${controllers === "" ? "" : `: ${controllers}`}`;
  if (isDelegated || hasSession) return [{ ...base, state: "ok", found }];
  return [
    {
      ...base,
      state: "limited",
      found: `${found}; not handed to you`,
      means: "limits (--memory, --cpus, --pids-limit) cannot be set in this session",
      remedy:
        "log in so that systemd starts a user session (XDG_RUNTIME_DIR and DBUS_SESSION_BUS_ADDRESS are set)",
    },
  ];
}
