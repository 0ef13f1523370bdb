import { MOUNT_FLAGS } from "../../ops/mount-flags.ts";
import type { WiredOp } from "../../ops/op.ts";
import type { Plan, Volume } from "../plan.ts";
import { imageFaults, setupFault } from "./fault-texts.ts";
import { HOST, IMAGE, MOUNT_POINTS, overlayDir, ROOT, UNDER, UPPER, WORK } from "./layout.ts";
import { SERVER_PATH, servedOverlay } from "./served-overlay.ts";

const { ro, nodev, nosuid } = MOUNT_FLAGS;
const EUSERS = 87;

/** Ops that make `volume` readable at `target`. `unpackedAt`: where an image that cannot be mounted was unpacked. */
export function volumeOps(
  volume: Volume,
  target: string,
  plan: Plan,
  unpackedAt?: string,
): WiredOp[] {
  const make: WiredOp = {
    op: { kind: "mkdir", root: "", path: target, mode: 0o755 },
    faults: setupFault(`cannot make ${target}`),
  };
  const flags = (volume.writable ? 0 : ro) | nodev | (plan.root.nosuid ? nosuid : 0);
  switch (volume.mounter.kind) {
    case "directory":
    case "unpack":
      return [
        make,
        {
          op: {
            kind: "bind",
            sourceRoot: HOST,
            source: unpackedAt ?? volume.path,
            root: "",
            target,
            // Mounts below it are locked to it in a user namespace: without them the kernel refuses.
            recursive: 1,
            flags,
            create: 0,
            optional: 0,
            warning: "",
          },
          faults: setupFault(`cannot open the directory ${volume.path}`),
        },
      ];
    case "loop":
      return [
        make,
        {
          op: {
            kind: "loop",
            most: plan.maxLoopDevices,
            sourceRoot: HOST,
            file: volume.path,
            offset: volume.offsetBytes,
            size: volume.sizeBytes,
            target,
            fstype: volume.fstype === "ext3" ? "ext4" : volume.fstype,
            flags,
            data: volume.fstype === "ext3" && !volume.writable ? "noload" : "",
            lock: lockOf(volume),
          },
          faults: [
            {
              errno: EUSERS,
              text: `container creation failed: every loop device below number ${plan.maxLoopDevices} is in use ("max loop devices"); wait for a container to end, or use --userns`,
            },
            ...imageFaults(volume.path, "a loop device", volume.writable),
          ],
        },
      ];
    case "device":
      return [
        make,
        {
          op: {
            kind: "mount",
            fstype: volume.fstype,
            source: `${HOST}/proc/self/fd/${volume.mounter.fd}`,
            root: "",
            target,
            flags,
            data: "",
            optional: 0,
          },
          faults: imageFaults(volume.path, "the kernel"),
        },
      ];
    case "fuse":
      return [
        make,
        {
          op: fuseOp(volume, target, flags, plan),
          faults: imageFaults(volume.path, volume.mounter.tool, volume.writable),
        },
      ];
  }
}

function fuseOp(volume: Volume, target: string, flags: number, plan: Plan): WiredOp["op"] {
  const { mounter } = volume;
  const none = { tool: "", loader: [], setsOwner: false, takesOffset: false };
  const { tool, loader = [], setsOwner, takesOffset } = mounter.kind === "fuse" ? mounter : none;
  const { identity } = plan;
  const isExt = volume.fstype === "ext3";
  // With one mapped id every file must be the caller's; with sub-ids the image's own owners fit.
  const isMappedFully = identity.uidMap === "" || mapsMany(identity.uidMap);
  const owner = isMappedFully || !setsOwner ? [] : [`uid=${identity.uid}`, `gid=${identity.gid}`];
  const offset = volume.offsetBytes === 0 ? "" : `offset=${volume.offsetBytes}`;
  const extOptions = [
    ...(volume.writable ? [] : ["ro"]),
    "fakeroot",
    ...(isMappedFully ? ["allow_other"] : []),
    ...(offset !== "" && takesOffset ? [offset] : []),
  ];
  const argv = isExt
    ? [
        ...[tool, "-f", "-o", extOptions.join(",")],
        offset === "" || takesOffset ? volume.path : `${volume.path}?${offset}`,
        "%m",
      ]
    : [
        ...[...loader, tool, "-f", "-o", [...owner, `offset=${volume.offsetBytes}`].join(",")],
        ...[volume.path, "%f"],
      ];
  return {
    kind: "fuse",
    serverRoot: HOST,
    target,
    subtype: tool.slice(tool.lastIndexOf("/") + 1),
    source: volume.path,
    flags,
    data: "allow_other",
    uid: identity.uid,
    gid: identity.gid,
    argv,
    env: [SERVER_PATH],
    selfMount: isExt ? 1 : 0,
    lock: lockOf(volume),
    lockOffset: volume.offsetBytes,
    lockSize: volume.sizeBytes,
  };
}

/** An ext image that one launch writes must not be read or written by another. */
function lockOf(volume: Volume): number {
  if (volume.fstype !== "ext3") return 0;
  return volume.writable ? 2 : 1;
}

/** Whether an id map holds more than the caller's own id. */
function mapsMany(map: string): boolean {
  return map.split("\n").some((line) => Number(line.split(" ")[2] ?? "0") > 1);
}

/** Ops that put the container's root together at `/root`; volumes are mounted before, by `volumeOps`. `base` as in LowerOptions. */
export function rootOps(plan: Plan, base: string): WiredOp[] {
  const { root } = plan;
  const out: WiredOp[] = [];
  const mkdir = (path: string, mode = 0o755): void => {
    out.push({
      op: { kind: "mkdir", root: "", path, mode },
      faults: setupFault(`cannot make ${path}`),
    });
  };
  if (root.layer === "none") return out;
  if (root.layer === "underlay") return underlayOps(plan);

  // A layer that was written in a user namespace keeps its marks in user.* attributes. Where there is
  // none, asking for them would cost a file server one more request for every directory.
  const isMarked = root.overlays.length > 0 || root.tmpfsUpper;
  const userxattr = plan.namespaces.user && isMarked ? "userxattr" : "";
  const lower: string[] = [];
  const writable = root.overlays.findIndex((o) => o.writable);
  for (let i = root.overlays.length - 1; i >= 0; i--) {
    const layer = root.overlays[i];
    if (layer === undefined || i === writable) continue;
    lower.push(layer.dir === "/" ? overlayDir(i) : `${overlayDir(i)}${layer.dir}`);
  }
  if (root.mountPoints.length > 0) {
    for (const point of root.mountPoints) {
      const path = point.path === "/" ? MOUNT_POINTS : `${MOUNT_POINTS}${point.path}`;
      if (point.kind === "dir") mkdir(path, point.mode);
      else {
        out.push({
          op: { kind: "file", root: "", path, mode: point.mode, content: new Uint8Array(0) },
          faults: setupFault(`cannot make the mount point ${point.path}`),
        });
      }
    }
    // On top: a layer may hide what lies below it, and what was removed by one needs mount points, too.
    lower.unshift(MOUNT_POINTS);
  }
  lower.push(IMAGE);
  let upper = "";
  let work = "";
  const top = root.overlays[writable];
  if (top !== undefined) {
    upper = `${overlayDir(writable)}${top.dir}`;
    work = `${overlayDir(writable)}${top.work}`;
    mkdir(upper);
    mkdir(work);
  } else if (root.tmpfsUpper) {
    upper = UPPER;
    work = WORK;
    mkdir(upper);
    mkdir(work);
  }
  // The kernel wants two lower layers, or an upper one.
  if (upper === "" && lower.length === 1) {
    mkdir(MOUNT_POINTS);
    lower.unshift(MOUNT_POINTS);
  }
  mkdir(ROOT);
  const flags = (root.readOnly ? ro : 0) | nodev | (root.nosuid ? nosuid : 0);
  if (root.overlayTool !== undefined) {
    const layers = { lower, upper, work, flags };
    out.push(...servedOverlay(plan.identity, root.overlayTool, layers, base));
    return out;
  }
  out.push({
    op: { kind: "overlay", lower, upper, work, target: ROOT, flags, data: userxattr },
    faults: setupFault("the kernel refuses the overlay", "try --underlay"),
  });
  return out;
}

function underlayOps(plan: Plan): WiredOp[] {
  const faults = setupFault("cannot put the underlay together");
  const out: WiredOp[] = [];
  for (const entry of plan.root.underlay) {
    const path = entry.path === "/" ? UNDER : `${UNDER}${entry.path}`;
    switch (entry.kind) {
      case "dir":
        out.push({ op: { kind: "mkdir", root: "", path, mode: entry.mode }, faults });
        break;
      case "file":
        out.push({
          op: { kind: "file", root: "", path, mode: 0o644, content: new Uint8Array(0) },
          faults,
        });
        break;
      case "symlink":
        out.push({ op: { kind: "symlink", root: "", path, target: entry.link }, faults });
        break;
      case "bind":
        out.push({
          op: {
            kind: "bind",
            sourceRoot: "",
            source: `${IMAGE}${entry.path}`,
            root: "",
            target: path,
            recursive: 1,
            flags: ro | nodev | nosuid,
            create: 1,
            optional: 0,
            warning: "",
          },
          faults,
        });
    }
  }
  const bind = {
    sourceRoot: "",
    source: UNDER,
    root: "",
    target: ROOT,
    recursive: 1,
    flags: ro | nodev | nosuid,
    create: 0,
    optional: 0,
    warning: "",
  };
  out.push({ op: { kind: "mkdir", root: "", path: ROOT, mode: 0o755 }, faults });
  out.push({ op: { kind: "bind", ...bind }, faults });
  return out;
}
