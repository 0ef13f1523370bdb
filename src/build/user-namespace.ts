import { Fault } from "../base/fault.ts";
import { execve } from "../host/process-calls.ts";
import { lastErrno, memfdCreate, pwrite, sealMemfd } from "../host/syscall.ts";
import { encodeOps } from "../ops/encode.ts";
import type { FaultText, WiredOp } from "../ops/op.ts";
import type { HostFacts } from "../plan/facts.ts";
import { installedHelper } from "../runtime/installed.ts";
import { type Rung, rungMaps } from "./rung.ts";

const CLONE_NEWNS = 0x20000;
const CLONE_NEWUSER = 0x10000000;
const MS_REC = 0x4000;
const MS_SLAVE = 0x80000;

/**
 * Starts this program again with the same words, as root of a user namespace and with mounts of its
 * own. Same process id; returns only by throwing.
 *
 * @param program words that start it (own-program.ts).
 * @param words the whole command line after the program's name.
 */
export async function enterUserNamespace(
  rung: Exclude<Rung, { readonly kind: "root" }>,
  program: readonly string[],
  words: readonly string[],
  host: HostFacts,
): Promise<never> {
  const argv = [...program, ...words];
  const { uidMap, gidMap } = rungMaps(rung, host.uid, host.gid);
  const hasSubIds = rung.kind === "sub-ids";
  const ops: readonly WiredOp[] = [
    {
      op: {
        kind: "unshare",
        flags: CLONE_NEWUSER | CLONE_NEWNS,
        uidMap,
        gidMap,
        setgroups: hasSubIds ? 1 : 0,
        newuidmap: hasSubIds ? rung.newuidmap : "",
        newgidmap: hasSubIds ? rung.newgidmap : "",
      },
      faults: [REFUSED],
    },
    { op: { kind: "propagation", target: "/", flags: MS_REC | MS_SLAVE }, faults: [] },
    { op: { kind: "exec", words: argv, counts: [String(argv.length)], notes: [""] }, faults: [] },
  ];
  const fd = memoryFile("skiff-ops", encodeOps(ops, { debug: false, procPath: "/proc" }), true);
  const env = Object.entries(host.env).map(([name, value]) => `${name}=${value}`);
  execve(await starterPath(), ["skiff-starter", String(fd)], env);
  throw startFault(`errno ${lastErrno()}`);
}

const REFUSED: FaultText = {
  errno: 0,
  text: "Cannot build from a definition file as an ordinary user: a user namespace is refused (%e); `skiff doctor` says what restricts it",
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
