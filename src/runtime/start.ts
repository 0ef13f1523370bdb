import { Fault } from "../base/fault.ts";
import { execve } from "../host/process-calls.ts";
import {
  lastErrno,
  memfdCreate,
  O_CLOEXEC,
  O_RDONLY,
  open,
  pwrite,
  sealMemfd,
  setCloseOnExec,
} from "../host/syscall.ts";
import { encodeOps } from "../ops/encode.ts";
import type { WiredOp } from "../ops/op.ts";
import type { HostFacts } from "../plan/facts.ts";
import { lower } from "../plan/lower/lower.ts";
import type { Plan } from "../plan/plan.ts";
import { installedHelper } from "./installed.ts";
import { unpackImage } from "./unpack.ts";

export interface StartOptions {
  /** Every op is told on stderr. */
  readonly debug: boolean;
  readonly colour: boolean;
}

/** Directories that a launch may cover in its own mount namespace while it sets up; the first that exists. */
const BASES = ["/tmp", "/mnt", "/run", "/var", "/srv", "/opt", "/home", "/usr", "/etc"];

/**
 * Replaces this process by the starter, and that by the program of the plan: same process id, same
 * descriptors. Returns only by throwing.
 *
 * @throws Fault when the starter cannot be had, or the image cannot be unpacked.
 */
export async function startPlan(
  plan: Plan,
  host: HostFacts,
  options: StartOptions,
): Promise<never> {
  const ops = await opsOf(plan, host);
  const fd = memfdCreate("skiff-ops", true);
  if (fd < 0)
    throw new Fault(
      "unsupported",
      "Cannot hand the plan over: memfd_create is refused by the kernel",
    );
  writeAll(fd, encodeOps(ops, { debug: options.debug, procPath: "/proc", colour: options.colour }));
  sealMemfd(fd);
  const { environment } = plan;
  const env =
    environment.kind === "direct"
      ? environment.variables.map(({ name, value }) => `${name}=${value}`)
      : [];
  const starter = await helperPath("starter");
  execve(starter, ["skiff-starter", String(fd)], env);
  throw new Fault("unsupported", `Cannot start ${starter}: errno ${lastErrno()}`, {
    hint: "the installation is damaged, or a file system is mounted noexec; install skiff again",
  });
}

/** The operations of a plan on this machine; unpacks the image when it cannot be mounted. */
export async function opsOf(plan: Plan, host: HostFacts): Promise<WiredOp[]> {
  const base = BASES.find((dir) => host.files.lstat(dir)?.kind === "dir");
  if (base === undefined)
    throw new Fault("unsupported", "Cannot set up the container: no directory to set it up on");
  const needsShell = plan.environment.kind === "shell";
  const unpacked =
    plan.root.image.mounter.kind === "unpack"
      ? await unpackImage(plan.root.image, host)
      : undefined;
  return lower(plan, {
    base,
    shellFd: needsShell ? await openShell() : -1,
    shellPath: "",
    ...(unpacked === undefined ? {} : { unpacked }),
  });
}

/** Path by which a helper program can be executed: its file, or a descriptor of the embedded copy. */
async function helperPath(name: "starter"): Promise<string> {
  const installed = installedHelper(name);
  if (installed !== undefined) return installed;
  return `/proc/self/fd/${await embeddedFd(name, false)}`;
}

/** An inherited descriptor of the carried shell. */
async function openShell(): Promise<number> {
  const installed = installedHelper("bash");
  if (installed === undefined) return embeddedFd("bash", true);
  const fd = open(installed, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return embeddedFd("bash", true);
  setCloseOnExec(fd, false);
  return fd;
}

async function embeddedFd(name: "starter" | "bash", inherit: boolean): Promise<number> {
  // Loaded only by a binary that stands alone: an installation has the files.
  const { embeddedHelper } = await import("./embedded.ts");
  const bytes = await embeddedHelper(name);
  const fd = memfdCreate(`skiff-${name}`, inherit);
  if (fd < 0)
    throw new Fault(
      "unsupported",
      `Cannot unpack the embedded ${name}: memfd_create is refused by the kernel`,
    );
  writeAll(fd, bytes);
  sealMemfd(fd);
  return fd;
}

/** Written in place: the reader starts at the beginning of the descriptor. */
function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    const count = pwrite(fd, bytes.subarray(at), at);
    if (count <= 0) throw new Fault("io", "Cannot hand the plan over: writing to memory failed");
    at += count;
  }
}
