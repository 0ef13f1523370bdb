import { MOUNT_FLAGS } from "../../ops/mount-flags.ts";
import type { WiredOp } from "../../ops/op.ts";
import type { Plan, SecurityPlan } from "../plan.ts";
import { encryptedRootOps } from "./encrypted-root.ts";
import { escapePercent, execFaults, setupFault, unshareFaults } from "./fault-texts.ts";
import { containerFuseOps, hostFuseOps } from "./fuse-ops.ts";
import { gpuOps } from "./gpu-ops.ts";
import { type InstancePlaces, instanceOp } from "./instance-op.ts";
import { HOST, IMAGE, overlayDir, ROOT } from "./layout.ts";
import { limitOps } from "./limit-ops.ts";
import { mountOps } from "./mount-ops.ts";
import { networkOps } from "./network-ops.ts";
import { rootOps, volumeOps } from "./root-ops.ts";
import { type SharePlaces, shareOps } from "./share-ops.ts";
import { type Unpacking, unpackOps } from "./unpack-ops.ts";

const CLONE = {
  mount: 0x00020000,
  uts: 0x04000000,
  ipc: 0x08000000,
  user: 0x10000000,
  pid: 0x20000000,
  net: 0x40000000,
} as const;

/** What is only known when the launch happens. */
export interface LowerOptions {
  /** A directory that exists and may be covered in the launch's own mount namespace while it is set up. */
  readonly base: string;
  /** Inherited descriptor of the carried shell; -1: none, then `shellPath`. */
  readonly shellFd: number;
  readonly shellPath: string;
  /** What may be said on the way: INFO lines, and WARNING lines. */
  readonly says: { readonly info: boolean; readonly warnings: boolean };
  /** Where an instance logs and is recorded; absent for any other launch. */
  readonly instance?: InstancePlaces;
  /** Where the processes of a step meet; absent: the container is this process's own. */
  readonly share?: SharePlaces;
  /** How the image is unpacked; absent when it is mounted. */
  readonly unpacking?: Unpacking;
  /** Id of this process, which becomes the program; names its control groups. */
  readonly pid: number;
  /** Directory of the scope that systemd made for it. */
  readonly scope?: string;
}

/** The plan as kernel operations, in the order in which they must happen. */
export function lower(plan: Plan, options: LowerOptions): WiredOp[] {
  const out: WiredOp[] = [];
  const { namespaces } = plan;
  if (options.unpacking !== undefined) {
    out.push(...unpackOps(options.unpacking, options.says.info, options.instance === undefined));
  }
  const groups = plan.limits === undefined ? undefined : limitOps(plan.limits, options);
  out.push(...(groups?.make ?? []));
  const network = plan.network === undefined ? undefined : networkOps(plan.network);
  out.push(...(network?.before ?? []));
  out.push(...enterOps(plan));
  sessionOps(out, plan, options);
  volumes(out, plan, options);
  out.push(...hostFuseOps(plan));
  const inner =
    (namespaces.pid ? CLONE.pid : 0) |
    (namespaces.ipc ? CLONE.ipc : 0) |
    (namespaces.uts ? CLONE.uts : 0) |
    (namespaces.net ? CLONE.net : 0);
  if (inner !== 0) {
    out.push({
      op: {
        kind: "unshare",
        flags: inner,
        uidMap: "",
        gidMap: "",
        setgroups: 1,
        newuidmap: "",
        newgidmap: "",
      },
      faults: setupFault("cannot make the namespaces"),
    });
  }
  out.push(...(network?.after ?? []));
  if (plan.instance !== undefined && options.instance !== undefined) {
    out.push(instanceOp(plan.instance, options.instance, options.says.info));
  } else if (namespaces.pid) {
    out.push({
      op: { kind: "fork", init: plan.init ? 1 : 0, after: [], says: "" },
      faults: setupFault("cannot start a process"),
    });
  }
  if (plan.hostname !== undefined) {
    out.push({
      op: { kind: "hostname", name: plan.hostname },
      faults: setupFault(`cannot set the host name ${plan.hostname}`),
    });
  }
  if (plan.loopback) {
    out.push({
      op: { kind: "loopback" },
      faults: setupFault("cannot bring the loopback interface up"),
    });
  }
  out.push(...rootOps(plan, options.base), ...mountOps(plan), ...containerFuseOps(plan));
  if (plan.gpuSetup !== undefined)
    out.push(...gpuOps(plan.gpuSetup, plan.propagation, options.base));
  out.push(...(groups?.join ?? []));
  if (!options.says.warnings) out.splice(0, out.length, ...out.map(withoutWarning));
  out.push({
    op: { kind: "pivot", root: ROOT, putOld: "" },
    faults: setupFault("cannot enter the container's root"),
  });
  if (plan.share !== undefined && options.share !== undefined) {
    out.splice(0, out.length, ...shareOps(plan.share, options.share, namespaces, out));
  }
  processOps(out, plan, options);
  return out;
}

/** Into the namespaces in which everything is mounted; directories of the caller's that are bound later are made. */
export function enterOps(plan: Plan): WiredOp[] {
  const { namespaces, identity } = plan;
  const out: WiredOp[] = [];
  out.push({
    op: {
      kind: "unshare",
      flags: CLONE.mount | (namespaces.user ? CLONE.user : 0),
      uidMap: identity.uidMap,
      gidMap: identity.gidMap,
      setgroups: identity.setgroups ? 1 : 0,
      newuidmap: identity.newuidmap,
      newgidmap: identity.newgidmap,
    },
    faults: unshareFaults(plan),
  });
  out.push({
    op: {
      kind: "propagation",
      target: "/",
      flags:
        MOUNT_FLAGS.rec | (plan.propagation === "slave" ? MOUNT_FLAGS.slave : MOUNT_FLAGS.private),
    },
    faults: setupFault("cannot set up the session"),
  });
  for (const mount of plan.mounts) {
    if (mount.kind !== "bind" || mount.make === undefined) continue;
    const { mode, below } = mount.make;
    for (const path of pathsBetween(below, mount.source)) {
      out.push({
        op: { kind: "mkdir", root: "", path, mode },
        faults: setupFault(`cannot make ${path} (${mount.why})`),
      });
    }
  }
  return out;
}

function withoutWarning(wired: WiredOp): WiredOp {
  const { op, faults } = wired;
  return op.kind === "bind" && op.warning !== "" ? { op: { ...op, warning: "" }, faults } : wired;
}

/** The paths from below `from` (left out) down to `to`, parents first. */
function pathsBetween(from: string, to: string): string[] {
  const names = to.slice(from === "/" ? 1 : from.length + 1).split("/");
  return names.map((_, at) => `${from === "/" ? "" : from}/${names.slice(0, at + 1).join("/")}`);
}

/** A private tmpfs becomes the root; the caller's tree moves to `/host`. */
export function sessionOps(out: WiredOp[], plan: Plan, options: LowerOptions): void {
  const { nosuid, nodev } = MOUNT_FLAGS;
  const faults = setupFault(`cannot set up the session on ${options.base}`);
  const isPlain = plan.sessionMiB === 0 || plan.sessionFs === "ramfs";
  const size = isPlain ? "" : `,size=${plan.sessionMiB}m`;
  out.push({
    op: {
      kind: "mount",
      fstype: plan.sessionFs,
      source: plan.sessionFs,
      root: "",
      target: options.base,
      flags: nosuid | nodev,
      data: `mode=755${size}`,
      optional: 0,
    },
    faults,
  });
  for (const dir of [HOST, ROOT]) {
    out.push({ op: { kind: "mkdir", root: options.base, path: dir, mode: 0o755 }, faults });
  }
  out.push({ op: { kind: "pivot", root: options.base, putOld: HOST }, faults });
}

/** The image and the layers over it, mounted in the session. */
export function volumes(out: WiredOp[], plan: Plan, options: LowerOptions): void {
  const { root } = plan;
  const target = root.layer === "none" ? ROOT : IMAGE;
  const { cipher } = root.image;
  out.push(
    ...(cipher === undefined
      ? volumeOps(root.image, target, plan, options.unpacking?.path)
      : encryptedRootOps(root.image, cipher, target, plan, options.base)),
  );
  root.overlays.forEach(({ volume, dir, work, writable }, index) => {
    const at = overlayDir(index);
    // The directories of a writable overlay are made on the host before they are bound.
    if (volume.fstype === "directory" && writable) {
      for (const below of [dir, work]) {
        out.push({
          op: { kind: "mkdir", root: HOST, path: `${volume.path}${below}`, mode: 0o755 },
          faults: setupFault(`cannot make ${volume.path}${below}`),
        });
      }
    }
    out.push(...volumeOps(volume, at, plan));
  });
}

/** What the ops of the program itself are made from. */
export type ProcessPart = Pick<Plan, "security" | "environment" | "cwd" | "umask" | "process"> & {
  readonly identity: Pick<Plan["identity"], "become">;
};

/** From the finished tree to the program: ids, capabilities, directory, environment, exec. */
export function processOps(
  out: WiredOp[],
  plan: ProcessPart,
  options: Pick<LowerOptions, "says" | "shellFd" | "shellPath">,
): void {
  const { identity, security, environment, cwd, umask } = plan;
  if (identity.become !== undefined) {
    out.push({
      op: {
        kind: "ids",
        uid: identity.become.uid,
        gid: identity.become.gid,
        groups: identity.become.groups.map(String),
      },
      faults: setupFault("cannot change the ids"),
    });
  }
  out.push({
    op: {
      kind: "caps",
      effective: security.effective,
      permitted: security.effective,
      inheritable: security.effective,
      ambient: security.ambient,
      bounding: security.bounding,
      noNewPrivs: security.noNewPrivs ? 1 : 0,
    },
    faults: setupFault("cannot set the capabilities"),
  });
  const first = cwd.candidates[0] ?? "/";
  out.push({
    op: {
      kind: "chdir",
      candidates: cwd.fatal ? [first] : cwd.candidates,
      warning: !options.says.warnings
        ? ""
        : `WARNING: Error changing the container working directory. Using '${cwd.candidates[1] ?? "/"}' instead: chdir ${first}: no such file or directory`,
    },
    faults: [
      { errno: 0, text: `failed to set working directory: chdir ${escapePercent(first)}: %e` },
    ],
  });
  out.push({ op: { kind: "umask", mask: umask.mask }, faults: [] });
  if (environment.kind === "shell") {
    out.push({
      op: {
        kind: "environ",
        fd: options.shellFd,
        path: options.shellPath,
        argv: environment.argv,
        env: environment.env,
        keep: environment.keep,
        timeoutMs: environment.timeoutMs,
      },
      faults: [
        {
          errno: 110,
          text: "the environment scripts of the image took too long (--runscript-timeout)",
        },
        { errno: 0, text: "cannot run a shell for the environment scripts of the image: %e" },
      ],
    });
  }
  const { candidates } = plan.process;
  // An instance without a program has nothing that they could hold for.
  if (candidates.length > 0) profileOps(out, security);
  out.push({
    op: {
      kind: "exec",
      words: candidates.flatMap((c) => c.argv),
      counts: candidates.map((c) => String(c.argv.length)),
      notes: candidates.map((c) =>
        c.note === "" || !options.says.info ? "" : `INFO:    ${c.note}`,
      ),
      fullName: plan.process.hasFullName === true ? 1 : 0,
    },
    faults: execFaults(plan),
  });
}

/** What holds from the program's first instruction on, and must not hold for anything before it. */
function profileOps(out: WiredOp[], { seccomp, label }: SecurityPlan): void {
  if (label !== undefined) {
    // The directory of the module's own is there from Linux 5.8 on; the plain file is the first module's.
    const value = label.module === "apparmor" ? `exec ${label.label}` : label.label;
    const words = escapePercent(`${label.module}:${label.label}`);
    out.push({
      op: { kind: "attr", path: "attr/exec", value },
      faults: [
        {
          errno: 0,
          text: `Cannot use --security ${words}: the kernel refuses it: %e; see that the profile is loaded and that you may change to it`,
        },
      ],
    });
  }
  if (seccomp !== undefined) {
    out.push({
      op: { kind: "seccomp", filter: Uint8Array.fromHex(seccomp.filter), flags: seccomp.flags },
      faults: [
        {
          errno: 0,
          text: `Cannot use --security seccomp:${escapePercent(seccomp.path)}: the kernel refuses the filter: %e`,
        },
      ],
    });
  }
}
