import type { Op } from "../../src/ops/op.ts";
import type { CapsOp, EnvironOp, ExecOp, UnshareOp } from "../../src/ops/process-op.ts";
import type { BindOp, FuseOp, MountOp } from "../../src/ops/tree-op.ts";
import { ordinaryUser } from "../support/ordinary-user.ts";

/** Bits of unshare(2). */
export const CLONE = {
  mount: 0x00020000,
  uts: 0x04000000,
  ipc: 0x08000000,
  user: 0x10000000,
  pid: 0x20000000,
  net: 0x40000000,
} as const;

/** Every bit that a capability may have. */
export const ALL_CAPS: number = 2 ** 41 - 1;

/** The ordinary user's ids. */
export const uid: number = ordinaryUser()?.uid ?? -1;
export const gid: number = ordinaryUser()?.gid ?? -1;

export function unshare(flags: number, more: Partial<UnshareOp> = {}): UnshareOp {
  const none = { uidMap: "", gidMap: "", setgroups: 0, newuidmap: "", newgidmap: "" };
  return { kind: "unshare", flags, ...none, ...more };
}

/** A user and a mount namespace in which the caller is who they are. */
export function userNamespace(flags = 0): UnshareOp {
  return unshare(CLONE.user | CLONE.mount | flags, {
    uidMap: `${uid} ${uid} 1`,
    gidMap: `${gid} ${gid} 1`,
  });
}

/** The same with the caller as root. */
export function rootNamespace(flags = 0): UnshareOp {
  return unshare(CLONE.user | CLONE.mount | flags, {
    uidMap: `0 ${uid} 1`,
    gidMap: `0 ${gid} 1`,
  });
}

export function bind(source: string, target: string, more: Partial<BindOp> = {}): BindOp {
  const none = { sourceRoot: "", root: "", recursive: 1, flags: 0, create: 0, optional: 0 };
  return { kind: "bind", source, target, warning: "", ...none, ...more };
}

export function mount(fstype: string, target: string, more: Partial<MountOp> = {}): MountOp {
  const none = { source: fstype, root: "", flags: 0, data: "", optional: 0 };
  return { kind: "mount", fstype, target, ...none, ...more };
}

export function mkdir(path: string, root = "", mode = 0o755): Op {
  return { kind: "mkdir", root, path, mode };
}

export function fuse(target: string, argv: readonly string[], more: Partial<FuseOp> = {}): FuseOp {
  const none = { serverRoot: "", subtype: "", source: "test", flags: 6, data: "", selfMount: 0 };
  return { kind: "fuse", target, argv, env: [], uid, gid, ...none, ...more };
}

export function caps(more: Partial<CapsOp> = {}): CapsOp {
  const none = { effective: 0, permitted: 0, inheritable: 0, ambient: 0 };
  return { kind: "caps", ...none, bounding: ALL_CAPS, noNewPrivs: 0, ...more };
}

export function environ(argv: readonly string[], more: Partial<EnvironOp> = {}): EnvironOp {
  return {
    kind: "environ",
    fd: -1,
    path: "/bin/sh",
    argv,
    env: [],
    keep: [],
    timeoutMs: 0,
    ...more,
  };
}

/** One candidate. */
export function exec(...words: string[]): ExecOp {
  return execFirst([{ words }]);
}

export function execFirst(
  candidates: readonly { readonly words: readonly string[]; readonly note?: string }[],
): ExecOp {
  return {
    kind: "exec",
    words: candidates.flatMap((c) => c.words),
    counts: candidates.map((c) => String(c.words.length)),
    notes: candidates.map((c) => c.note ?? ""),
    fullName: 0,
  };
}

/** A shell script as the program. */
export function script(text: string): ExecOp {
  return exec("/bin/sh", "-c", text);
}

/** A private tmpfs as the root, the caller's tree at /host, an empty /root: the first steps of any launch. */
export function session(first: UnshareOp = userNamespace()): Op[] {
  return [
    first,
    { kind: "propagation", target: "/", flags: 0x84000 },
    mount("tmpfs", "/tmp", { flags: 6, data: "mode=755" }),
    mkdir("/tmp/host"),
    mkdir("/tmp/root"),
    { kind: "pivot", root: "/tmp", putOld: "/host" },
  ];
}

/** From a session into `/root`. */
export const enter: readonly Op[] = [
  { kind: "pivot", root: "/root", putOld: "" },
  { kind: "chdir", candidates: ["/"], warning: "" },
];

/** A session whose /root is the caller's whole tree: for looking at what the ops did. */
export function hostSession(first?: UnshareOp): Op[] {
  return [...session(first), bind("/", "/root", { sourceRoot: "/host" })];
}
