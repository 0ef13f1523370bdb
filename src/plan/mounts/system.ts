import { bindHost } from "./host-bind.ts";
import { isUnwanted, type MountInput } from "./mount-input.ts";
import { BIND_FLAGS, type MountList } from "./mount-list.ts";

/** What limits a container is not the container's to write to, also where the group is the user's own. */
export function addLimitGuard(list: MountList, input: MountInput): void {
  const { host, config, request } = input;
  if (!config.values.mountSys || isUnwanted(request, "sys")) return;
  if (host.files.lstat("/sys/fs/cgroup")?.kind !== "dir") return;
  bindHost(list, host, {
    source: "/sys/fs/cgroup",
    target: "/sys/fs/cgroup",
    flags: ["ro", "nosuid", "nodev", "noexec"],
    why: "control groups are read-only in a container that has limits",
    optional: "kernel",
  });
}

/** /proc and /sys (reference: runtime.md 4.1). */
export function addKernelMounts(list: MountList, input: MountInput): void {
  const { request, config, host, namespaces } = input;
  if (config.values.mountProc && !isUnwanted(request, "proc")) {
    const place = list.place("/proc", { kind: "dir", what: "/proc", optional: "kernel" });
    if (place !== undefined) {
      const fresh = namespaces.pid;
      // Inside another container the kernel may refuse a fresh /proc; the host's then shows through.
      if (!fresh || host.inUserNamespace) {
        list.add(
          {
            kind: "bind",
            ...place,
            source: "/proc",
            isDir: true,
            recursive: true,
            flags: ["nosuid", "nodev"],
            optional: false,
            warning: "",
            why: "mount proc = yes",
          },
          host.files,
          "/proc",
        );
      }
      if (fresh) {
        list.add(
          {
            kind: "kernel",
            fstype: "proc",
            target: place.target,
            flags: ["nosuid", "nodev", "noexec"],
            data: "",
            optional: host.inUserNamespace,
            why: "mount proc = yes, fresh for the new PID namespace",
          },
          host.files,
          "/proc",
        );
      }
    }
  }
  if (config.values.mountSys && !isUnwanted(request, "sys")) {
    const place = list.place("/sys", { kind: "dir", what: "/sys", optional: "kernel" });
    if (place !== undefined) {
      list.add(
        {
          kind: "bind",
          ...place,
          source: "/sys",
          isDir: true,
          recursive: true,
          flags: ["nosuid", "nodev"],
          optional: true,
          warning: "",
          why: "mount sys = yes",
        },
        host.files,
        "/sys",
      );
      // Network devices in it are those of the namespace in which it was mounted.
      if (namespaces.net && !namespaces.user) {
        list.add(
          {
            kind: "kernel",
            fstype: "sysfs",
            target: place.target,
            flags: ["nosuid", "nodev", "noexec"],
            data: "",
            optional: true,
            why: "mount sys = yes, fresh for the new network namespace",
          },
          host.files,
          "/sys",
        );
      }
    }
  }
}

const DEVICE_NODES = ["null", "zero", "random", "urandom", "tty"];

/** Whether the container gets few device nodes instead of the host's /dev. */
export function hasMinimalDev(input: MountInput): boolean {
  const { request, config, binds } = input;
  if (binds.some((b) => b.source === "/dev" && b.target === "/dev")) return false;
  return request.contain || config.values.mountDev === "minimal";
}

/** /dev: the host's, or a private one with few nodes (reference: runtime.md 4.2). */
export function addDev(list: MountList, input: MountInput): void {
  const { request, config, host, binds, gpu, namespaces } = input;
  if (config.values.mountDev === "no" || isUnwanted(request, "dev")) return;
  if (!list.canMakeMountPoint && input.image.tree.lstat("/dev") === undefined) return;
  const place = list.place("/dev", { kind: "dir", what: "/dev", optional: "dev" });
  if (place === undefined) return;
  if (!hasMinimalDev(input)) {
    list.add(
      {
        kind: "bind",
        ...place,
        source: "/dev",
        isDir: true,
        recursive: true,
        flags: [],
        optional: false,
        warning: "",
        why: "mount dev = yes",
      },
      host.files,
      "/dev",
    );
    return;
  }
  const nodes: { path: string; isDir: boolean }[] = [];
  const add = (path: string): void => {
    const entry = host.files.lstat(path);
    if (entry === undefined || nodes.some((n) => n.path === path)) return;
    nodes.push({ path, isDir: entry.kind === "dir" });
  };
  for (const name of DEVICE_NODES) add(`/dev/${name}`);
  if (host.stdinIsTerminal) add("/dev/console");
  for (const path of gpu.devices) add(path);
  for (const bind of binds) {
    if (!bind.source.startsWith("/dev/")) continue;
    if (bind.target !== bind.source) {
      list.notices.push({
        level: "warning",
        text: `Skipping ${bind.source} bind mount: source and destination must be identical when binding to /dev`,
      });
    } else add(bind.source);
  }
  list.add(
    {
      kind: "minimal-dev",
      target: place.target,
      nodes,
      devpts: config.values.mountDevpts && !isUnwanted(request, "devpts"),
      mqueue: namespaces.ipc,
      why: request.contain ? (request.origins["contain"] ?? "--contain") : "mount dev = minimal",
    },
    host.files,
    "/dev",
  );
}

const HOSTFS_LEFT_OUT = ["/proc", "/sys", "/dev", "/run", "/boot", "/var"];

/** Every mount of the host, for sites that ask for it (`mount hostfs = yes`). */
export function addHostfs(list: MountList, input: MountInput): void {
  const { request, config, host } = input;
  if (!config.values.mountHostfs || request.contain || isUnwanted(request, "hostfs")) return;
  for (const mount of host.mounts) {
    if (mount.target === "/") continue;
    if (HOSTFS_LEFT_OUT.some((p) => mount.target === p || mount.target.startsWith(`${p}/`)))
      continue;
    const isDir = host.files.lstat(mount.target)?.kind === "dir";
    if (!isDir || list.has(mount.target)) continue;
    const place = list.place(mount.target, { kind: "dir", what: mount.target, optional: "hostfs" });
    if (place === undefined) continue;
    list.add(
      {
        kind: "bind",
        ...place,
        source: mount.target,
        isDir: true,
        recursive: true,
        flags: BIND_FLAGS,
        optional: true,
        warning: "",
        why: "mount hostfs = yes",
      },
      host.files,
      mount.target,
    );
  }
}
