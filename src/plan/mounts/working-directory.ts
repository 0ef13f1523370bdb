import type { HostFacts } from "../facts.ts";
import { bindHost } from "./host-bind.ts";
import { isUnwanted, type MountInput } from "./mount-input.ts";
import type { MountList } from "./mount-list.ts";

/** Directories where a working directory is the system's own, never the user's. */
const SYSTEM_DIRS = [
  "/",
  "/etc",
  "/bin",
  "/mnt",
  "/usr",
  "/var",
  "/opt",
  "/sbin",
  "/lib",
  "/lib64",
];
const KERNEL_TREES = ["/sys", "/proc", "/dev"];

function isSystemDir(path: string): boolean {
  return (
    SYSTEM_DIRS.includes(path) ||
    KERNEL_TREES.some((tree) => path === tree || path.startsWith(`${tree}/`))
  );
}

/** The caller's working directory, where it is not visible anyway (reference: runtime.md 4.3). */
export function addCwd(list: MountList, input: MountInput): void {
  const { request, config, host } = input;
  const cwd = host.cwd;
  if (cwd === undefined || request.contain || isUnwanted(request, "cwd")) return;
  if (!config.values.userBindControl || isSystemDir(cwd)) return;
  bindCwd(list, host, cwd);
  bindCwdName(list, host, cwd);
}

function bindCwd(list: MountList, host: HostFacts, cwd: string): void {
  const ground = list.table.resolve(cwd);
  const here = host.files.lstat(cwd);
  if (here === undefined || here.kind !== "dir") return;
  if (ground.entry !== undefined && ground.entry.id === here.id) return;
  // What the user put exactly there (a bind, a home, a scratch directory) was asked for; this was not.
  if (list.has(cwd)) return;
  // Links in the image lead elsewhere than on the host: binding there would hide something else.
  if (ground.path !== cwd) return;
  bindHost(list, host, { source: cwd, target: cwd, why: "the working directory", optional: "cwd" });
}

/**
 * The name by which the caller reached the working directory through a link that the container
 * lacks: words of the command line are often made of it, as in `"$PWD/input"`.
 */
function bindCwdName(list: MountList, host: HostFacts, cwd: string): void {
  const name = host.logicalCwd;
  if (name === undefined || name === cwd || !list.canMakeMountPoint) return;
  const ground = list.table.resolve(name);
  if (ground.entry !== undefined || ground.path !== name || ground.mount !== "/") return;
  const why = "the name of the working directory";
  bindHost(list, host, { source: cwd, target: name, why, optional: "cwd" });
}
