import { MOUNT_FLAGS } from "../../ops/mount-flags.ts";
import type { WiredOp } from "../../ops/op.ts";
import type { FuseMount, Plan } from "../plan.ts";
import { bindFaults, imageFaults, setupFault } from "./fault-texts.ts";
import { fuseDir, HOST, ROOT } from "./layout.ts";
import { SERVER_PATH } from "./served-overlay.ts";

/**
 * Programs of the host start before the container's PID namespace is made, outside of which they
 * stay; what they serve is bound into the container with the other mounts.
 */
export function hostFuseOps(plan: Plan): WiredOp[] {
  return plan.mounts.flatMap((mount, index) => {
    if (mount.kind !== "fuse" || mount.where !== "host") return [];
    const target = fuseDir(index);
    return [
      {
        op: { kind: "mkdir", root: "", path: target, mode: 0o755 },
        faults: setupFault(`cannot make ${target}`),
      },
      serve(mount, target, HOST, plan),
    ];
  });
}

/** Programs of the image start when all of the container is there. */
export function containerFuseOps(plan: Plan): WiredOp[] {
  return plan.mounts.flatMap((mount) =>
    mount.kind === "fuse" && mount.where === "container"
      ? [serve(mount, `${ROOT}${mount.target}`, ROOT, plan)]
      : [],
  );
}

/** Where a mount of `hostFuseOps` is seen; the place of one of `containerFuseOps` is made, if it must be. */
export function fuseBindOps(mount: FuseMount, index: number): WiredOp[] {
  if (mount.where === "container") {
    if (!mount.create) return [];
    return [
      {
        op: { kind: "mkdir", root: ROOT, path: mount.target, mode: 0o755 },
        faults: setupFault(`cannot make ${mount.target} (${mount.why})`),
      },
    ];
  }
  return [
    {
      op: {
        kind: "bind",
        sourceRoot: "",
        source: fuseDir(index),
        root: ROOT,
        target: mount.target,
        recursive: 0,
        flags: 0,
        create: 1,
        optional: 0,
        warning: "",
      },
      faults: bindFaults(mount.command.join(" "), mount.target, mount.why),
    },
  ];
}

function serve(mount: FuseMount, target: string, serverRoot: string, plan: Plan): WiredOp {
  const { nosuid, nodev } = MOUNT_FLAGS;
  const [program = ""] = mount.command;
  return {
    op: {
      kind: "fuse",
      serverRoot,
      deviceRoot: HOST,
      target,
      subtype: "",
      source: "fuse",
      flags: nosuid | nodev,
      data: "allow_other",
      uid: plan.identity.uid,
      gid: plan.identity.gid,
      argv: [...mount.command, "%f", ...(mount.daemon ? [] : ["-f"])],
      env: [SERVER_PATH],
      selfMount: 0,
    },
    faults: imageFaults(mount.target, program),
  };
}
