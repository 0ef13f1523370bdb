import { Fault } from "../base/fault.ts";
import { execve } from "../host/process-calls.ts";
import { close, lastErrno, memfdCreate, pwrite, sealMemfd } from "../host/syscall.ts";
import { encodeOps } from "../ops/encode.ts";
import type { FaultText, WiredOp } from "../ops/op.ts";
import type { UnshareOp } from "../ops/process-op.ts";
import type { HostFacts } from "../plan/facts.ts";
import { installedHelper } from "../runtime/installed.ts";
import { fakeOwnersFilter } from "./fake-owners.ts";
import { type BuildRung, rungMaps } from "./rung.ts";

const CLONE_NEWNS = 0x20000;
const CLONE_NEWUSER = 0x10000000;
const MS_REC = 0x4000;
const MS_SLAVE = 0x80000;

/**
 * Starts this program again with the same words, with mounts of its own and, but for root, as root of
 * a user namespace. Same process id; returns only by throwing.
 *
 * @param program words that start it (own-program.ts).
 * @param words the whole command line after the program's name.
 */
export async function enterNamespaces(
  rung: BuildRung,
  program: readonly string[],
  words: readonly string[],
  host: HostFacts,
): Promise<never> {
  const fd = memoryFile("skiff-ops", encoded(rung, [...program, ...words], host), true);
  const env = Object.entries(host.env).map(([name, value]) => `${name}=${value}`);
  execve(await starterPath(), ["skiff-starter", String(fd)], env);
  throw startFault(`errno ${lastErrno()}`);
}

/** Runs a program with the rights of a rung to its end: its status and what it or the kernel said. */
export async function runOnRung(
  rung: BuildRung,
  argv: readonly string[],
  host: HostFacts,
): Promise<{ readonly status: number; readonly words: string }> {
  const fd = memoryFile("skiff-ops", encoded(rung, argv, host), true);
  try {
    const child = Bun.spawn([await starterPath(), "3"], {
      argv0: "skiff-starter",
      env: { ...host.env },
      stdio: ["ignore", "ignore", "pipe", fd],
    });
    const words = (await new Response(child.stderr).text()).replace(/^FATAL: +/, "").trim();
    return { status: await child.exited, words };
  } catch (error) {
    return { status: 255, words: error instanceof Error ? error.message : String(error) };
  } finally {
    close(fd);
  }
}

/** Tries a rung out: undefined when it works, else what is in the way. */
export async function tryRung(rung: BuildRung, host: HostFacts): Promise<string | undefined> {
  const { status, words } = await runOnRung(rung, [host.tool("true") ?? "/bin/true"], host);
  return status === 0 ? undefined : words;
}

function encoded(rung: BuildRung, argv: readonly string[], host: HostFacts): Uint8Array {
  const ops: WiredOp[] = [
    { op: unshareOp(rung, host), faults: [REFUSED] },
    { op: { kind: "propagation", target: "/", flags: MS_REC | MS_SLAVE }, faults: [] },
  ];
  const filter = rung.kind === "mapped" ? fakeOwnersFilter("done", host.arch) : undefined;
  const recording = rung.kind === "mapped" ? fakeOwnersFilter("noted", host.arch) : undefined;
  if (filter !== undefined && recording !== undefined) {
    ops.push({ op: { kind: "owners", recording, filter }, faults: [NO_FILTER] });
  }
  ops.push({
    op: { kind: "exec", words: argv, counts: [String(argv.length)], notes: [""], fullName: 0 },
    faults: [],
  });
  return encodeOps(ops, { debug: false, procPath: "/proc" });
}

function unshareOp(rung: BuildRung, host: HostFacts): UnshareOp {
  const hasSubIds = rung.kind === "sub-ids";
  const maps = rung.kind === "root" ? NO_MAPS : rungMaps(rung, host.uid, host.gid);
  return {
    kind: "unshare",
    flags: rung.kind === "root" ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS,
    ...maps,
    setgroups: rung.kind === "mapped" ? 0 : 1,
    newuidmap: hasSubIds ? rung.newuidmap : "",
    newgidmap: hasSubIds ? rung.newgidmap : "",
  };
}

const NO_MAPS = { uidMap: "", gidMap: "" };

const REFUSED: FaultText = {
  errno: 0,
  text: "Cannot build from a definition file as an ordinary user: a user namespace is refused (%e); `skiff doctor` says what restricts it",
};
const NO_FILTER: FaultText = {
  errno: 0,
  text: "Cannot build with one user id: the kernel refuses a seccomp filter (%e)",
};

function startFault(reason: string): Fault {
  return new Fault("unsupported", `Cannot start the build in a user namespace: ${reason}`, {
    hint: "the installation is damaged, or a file system is mounted noexec; install skiff again",
  });
}

async function starterPath(): Promise<string> {
  const installed = installedHelper("starter");
  if (installed !== undefined) return installed;
  const { embeddedHelper } = await import("../runtime/embedded.ts");
  return `/proc/self/fd/${memoryFile("skiff-starter", await embeddedHelper("starter"), false)}`;
}

/** Descriptor of a sealed file in memory, read from its start. */
function memoryFile(name: string, bytes: Uint8Array, inherit: boolean): number {
  const fd = memfdCreate(name, inherit);
  if (fd < 0) throw startFault("memfd_create is refused by the kernel");
  for (let at = 0; at < bytes.length; ) {
    const count = pwrite(fd, bytes.subarray(at), at);
    if (count <= 0) throw startFault("writing to memory failed");
    at += count;
  }
  sealMemfd(fd);
  return fd;
}
