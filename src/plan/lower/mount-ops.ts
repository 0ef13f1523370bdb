import { encodeOsText } from "../../base/os-text.ts";
import { MOUNT_FLAGS } from "../../ops/mount-flags.ts";
import type { WiredOp } from "../../ops/op.ts";
import type { MinimalDevMount, MountFlag, Plan, PlannedMount } from "../plan.ts";
import { bindFaults, sessionFaults, setupFault } from "./fault-texts.ts";
import { fuseBindOps } from "./fuse-ops.ts";
import { dataDir, HOST, ROOT, sessionDir, stagedFile } from "./layout.ts";
import { volumeOps } from "./root-ops.ts";

const BASE_BIND = { recursive: 1, create: 0, optional: 0, warning: "" };

function bits(flags: readonly MountFlag[]): number {
  let out = 0;
  for (const flag of flags) out |= MOUNT_FLAGS[flag];
  return out;
}

/** Ops of every planned mount, in order. */
export function mountOps(plan: Plan): WiredOp[] {
  const out: WiredOp[] = [];
  plan.mounts.forEach((mount, index) => {
    oneMount(out, mount, index, plan);
  });
  return out;
}

function oneMount(out: WiredOp[], mount: PlannedMount, index: number, plan: Plan): void {
  switch (mount.kind) {
    case "bind":
      out.push({
        op: {
          kind: "bind",
          ...BASE_BIND,
          sourceRoot: HOST,
          source: mount.source,
          root: ROOT,
          target: mount.target,
          recursive: mount.recursive ? 1 : 0,
          flags: bits(mount.flags),
          // What a writable layer of fuse-overlayfs hides is made in it.
          create: mount.create || plan.root.overlayTool !== undefined ? 1 : 0,
          optional: mount.optional ? 1 : 0,
          warning: mount.warning === "" ? "" : `WARNING: ${mount.warning}`,
        },
        faults: bindFaults(mount.source, mount.target, mount.why),
      });
      break;
    case "kernel":
      out.push({
        op: {
          kind: "mount",
          fstype: mount.fstype,
          source: mount.fstype,
          root: ROOT,
          target: mount.target,
          flags: bits(mount.flags),
          data: mount.data,
          optional: mount.optional ? 1 : 0,
        },
        faults: setupFault(`cannot mount ${mount.fstype} on ${mount.target} (${mount.why})`),
      });
      break;
    case "session-dir": {
      const dir = sessionDir(index);
      const faults = setupFault(`cannot make ${mount.target} (${mount.why})`);
      out.push({ op: { kind: "mkdir", root: "", path: dir, mode: mount.mode }, faults });
      sessionBind(out, dir, mount.target, bits(mount.flags), 1, mount.why);
      break;
    }
    case "staged-file": {
      const file = stagedFile(index);
      const faults = setupFault(`cannot write ${mount.target} (${mount.why})`);
      out.push({ op: { kind: "mkdir", root: "", path: "/staged", mode: 0o755 }, faults });
      out.push({
        op: {
          kind: "file",
          root: "",
          path: file,
          mode: mount.mode,
          content: encodeOsText(mount.content),
        },
        faults,
      });
      sessionBind(out, file, mount.target, bits(mount.flags), 1, mount.why);
      break;
    }
    case "libraries": {
      const dir = sessionDir(index);
      const faults = setupFault(`cannot make ${mount.target} (${mount.why})`);
      out.push({ op: { kind: "mkdir", root: "", path: dir, mode: 0o755 }, faults });
      for (const file of mount.files) {
        out.push({
          op: {
            kind: "bind",
            ...BASE_BIND,
            sourceRoot: HOST,
            source: file.source,
            root: dir,
            target: `/${file.name}`,
            recursive: 0,
            flags: MOUNT_FLAGS.ro | MOUNT_FLAGS.nosuid | MOUNT_FLAGS.nodev,
            create: 1,
          },
          faults: bindFaults(file.source, `${mount.target}/${file.name}`, file.why),
        });
      }
      const { ro, nosuid, nodev } = MOUNT_FLAGS;
      sessionBind(out, dir, mount.target, ro | nosuid | nodev, 1, mount.why);
      break;
    }
    case "image-bind": {
      const dir = dataDir(index);
      out.push(...volumeOps(mount.volume, dir, plan));
      out.push({
        op: {
          kind: "bind",
          ...BASE_BIND,
          sourceRoot: dir,
          source: mount.dir,
          root: ROOT,
          target: mount.target,
          recursive: 0,
          flags: bits(mount.flags),
          create: 1,
        },
        faults: bindFaults(`${mount.volume.path}:${mount.dir}`, mount.target, mount.why),
      });
      break;
    }
    case "fuse":
      out.push(...fuseBindOps(mount, index));
      break;
    case "minimal-dev":
      minimalDev(out, mount);
  }
}

/** Something of the session's memory shown in the container. */
function sessionBind(
  out: WiredOp[],
  source: string,
  target: string,
  flags: number,
  recursive: number,
  why: string,
): void {
  out.push({
    op: {
      kind: "bind",
      ...BASE_BIND,
      sourceRoot: "",
      source,
      root: ROOT,
      target,
      recursive,
      flags,
      create: 1,
    },
    faults: sessionFaults(target, why),
  });
}

function minimalDev(out: WiredOp[], mount: MinimalDevMount): void {
  const faults = setupFault(`cannot make a private ${mount.target} (${mount.why})`);
  const { nosuid, noexec, nodev } = MOUNT_FLAGS;
  const fs = (fstype: string, target: string, flags: number, data: string, optional = 0): void => {
    out.push({
      op: { kind: "mount", fstype, source: fstype, root: ROOT, target, flags, data, optional },
      faults,
    });
  };
  const mkdir = (path: string, mode: number): void => {
    out.push({ op: { kind: "mkdir", root: ROOT, path, mode }, faults });
  };
  const link = (path: string, target: string): void => {
    out.push({ op: { kind: "symlink", root: ROOT, path, target }, faults });
  };
  const dev = mount.target;
  fs("tmpfs", dev, nosuid, "mode=755,size=1m");
  mkdir(`${dev}/shm`, 0o1777);
  fs("tmpfs", `${dev}/shm`, nosuid | nodev, "mode=1777");
  if (mount.devpts) {
    mkdir(`${dev}/pts`, 0o755);
    fs("devpts", `${dev}/pts`, nosuid | noexec, "newinstance,ptmxmode=0666,mode=620");
    link(`${dev}/ptmx`, "/dev/pts/ptmx");
  }
  if (mount.mqueue) {
    mkdir(`${dev}/mqueue`, 0o1777);
    fs("mqueue", `${dev}/mqueue`, nosuid | noexec | nodev, "", 1);
  }
  for (const node of mount.nodes) {
    out.push({
      op: {
        kind: "bind",
        ...BASE_BIND,
        sourceRoot: HOST,
        source: node.path,
        root: ROOT,
        target: `${dev}${node.path.slice("/dev".length)}`,
        flags: 0,
        create: 1,
        optional: 1,
      },
      faults,
    });
  }
  link(`${dev}/fd`, "/proc/self/fd");
  link(`${dev}/stdin`, "/proc/self/fd/0");
  link(`${dev}/stdout`, "/proc/self/fd/1");
  link(`${dev}/stderr`, "/proc/self/fd/2");
}
