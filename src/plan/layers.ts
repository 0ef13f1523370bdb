import { Fault } from "../base/fault.ts";
import { resolvePath } from "../base/path.ts";
import type { Config } from "./config.ts";
import type { HostFacts, ImageFacts } from "./facts.ts";
import { chooseMounter, chooseOverlayTool, rootFstype } from "./mounter.ts";
import type { Notice, OverlayLayer, RootPlan, Volume } from "./plan.ts";
import type { LaunchRequest } from "./request.ts";

/** An `--overlay` word: path and whether `:ro` follows. */
export interface OverlaySpec {
  readonly path: string;
  readonly readOnly: boolean;
}

export function parseOverlay(text: string, cwd: string): OverlaySpec {
  const readOnly = text.endsWith(":ro");
  const path = readOnly ? text.slice(0, -3) : text.endsWith(":rw") ? text.slice(0, -3) : text;
  return { path: resolvePath(cwd, path), readOnly };
}

/** Everything the choice of layers depends on. */
export interface LayerInput {
  readonly request: LaunchRequest;
  readonly config: Config;
  readonly host: HostFacts;
  readonly image: ImageFacts;
  /** Opened `--overlay` files and directories by absolute path. */
  readonly volumes: ReadonlyMap<string, ImageFacts>;
  readonly userNamespace: boolean;
  readonly notices: Notice[];
}

/**
 * The root of the container and the layers over it (reference: runtime.md 4.6). Stubs are left empty:
 * mount points are found out afterwards.
 *
 * @throws Fault for layers that exclude each other, are missing, or are forbidden.
 */
export function planRoot(input: LayerInput): RootPlan {
  const { request, config, host, image, userNamespace, notices } = input;
  const fstype = rootFstype(image);
  checkAllowed(fstype, image, config);
  const overlays = collectOverlays(input);
  const upper = overlays.find((o) => o.writable);
  const { layer, why } = chooseLayer(input, overlays.length > 0);

  let tmpfsUpper = request.writableTmpfs;
  if (tmpfsUpper && request.writable) {
    notices.push({
      level: "warning",
      text: "Disabling --writable-tmpfs flag, mutually exclusive with --writable",
    });
    tmpfsUpper = false;
  }
  if (tmpfsUpper && upper !== undefined) {
    throw new Fault(
      "usage",
      `while loading overlay images: you can't specify --writable-tmpfs with another writable overlay image (${upper.volume.path})`,
      { exitCode: 255, hint: `write ${upper.volume.path}:ro to use it read-only` },
    );
  }
  const writableImage = request.writable && layer === "none";
  if (writableImage && fstype === "squashfs") {
    throw new Fault(
      "denied",
      `Cannot write to "${image.path}": no SIF writable overlay partition found in ${image.path}`,
      {
        hint: "use --writable-tmpfs or --overlay DIR, or build a sandbox with --sandbox",
      },
    );
  }
  if (writableImage && !image.writable) {
    throw new Fault("denied", `Cannot write to "${image.path}": permission denied`, {
      hint: "use an image that you own, or --writable-tmpfs",
    });
  }
  const root: Volume = {
    path: image.path,
    fstype,
    offsetBytes: image.root.offsetBytes,
    sizeBytes: image.root.sizeBytes,
    writable: writableImage,
    mounter:
      fstype === "directory"
        ? { kind: "directory", why: "the image is a directory" }
        : chooseMounter(fstype, image.path, host, { userNamespace, unpack: request.unsquash }),
    why: "IMAGE on the command line",
  };
  const overlayTool = chooseOverlayTool(image.path, host, whyNotKernel(input, layer, upper));
  return {
    image: root,
    layer,
    why,
    ...(overlayTool === undefined ? {} : { overlayTool }),
    overlays,
    tmpfsUpper,
    readOnly: !writableImage && !tmpfsUpper && upper === undefined,
    nosuid: host.isRealRoot && !userNamespace && !request.allowSetuid,
    stubs: [],
    underlay: [],
  };
}

function conflict(one: string, other: string): Fault {
  return new Fault("usage", `cannot use ${one} in conjunction with ${other}`, { exitCode: 255 });
}

function checkAllowed(fstype: string, image: ImageFacts, config: Config): void {
  const { values } = config;
  const forbid = (allowed: boolean, directive: string): void => {
    if (allowed) return;
    throw new Fault(
      "denied",
      `Cannot start "${image.path}": the configuration forbids such images ("${directive} = no")`,
      {
        hint: "ask the administrator, or use another image format",
      },
    );
  };
  if (image.format === "sif") forbid(values.allowContainerSif, "allow container sif");
  else if (fstype === "squashfs") forbid(values.allowContainerSquashfs, "allow container squashfs");
  else if (fstype === "ext3") forbid(values.allowContainerExtfs, "allow container extfs");
  else forbid(values.allowContainerDir, "allow container dir");
}

function chooseLayer(input: LayerInput, hasOverlays: boolean): Pick<RootPlan, "layer" | "why"> {
  const { request, config, host } = input;
  const { enableOverlay, enableUnderlay } = config.values;
  const needsOverlay = (request.writableTmpfs && !request.writable) || hasOverlays;
  if (request.writable && !hasOverlays) {
    return { layer: "none", why: request.origins["writable"] ?? "--writable" };
  }
  if (needsOverlay) {
    if (enableOverlay === "no") {
      throw new Fault(
        "denied",
        `Cannot lay a file system over "${input.image.path}": the configuration forbids it ("enable overlay = no")`,
        {
          hint: "leave --overlay and --writable-tmpfs out",
        },
      );
    }
    return { layer: "overlay", why: hasOverlays ? "an overlay image is used" : "--writable-tmpfs" };
  }
  if (request.underlay) return { layer: "underlay", why: "--underlay" };
  if (enableUnderlay === "preferred")
    return { layer: "underlay", why: "enable underlay = preferred" };
  const kernelCan = hasKernelOverlay(input);
  if (enableOverlay !== "no" && kernelCan)
    return { layer: "overlay", why: "default, for missing mount points" };
  if (enableUnderlay !== "no") {
    return {
      layer: "underlay",
      why: kernelCan
        ? "enable overlay = no"
        : `kernel ${host.kernel} has no overlay in user namespaces (needs 5.11)`,
    };
  }
  return { layer: "none", why: "enable overlay = no and enable underlay = no" };
}

/** Overlays are allowed in user namespaces from 5.11 on. */
function hasKernelOverlay(input: LayerInput): boolean {
  return !input.userNamespace || atLeast(input.host.kernelVersion, [5, 11]);
}

/** Why the kernel's overlay cannot serve; absent when it can. */
function whyNotKernel(
  input: LayerInput,
  layer: RootPlan["layer"],
  upper: OverlayLayer | undefined,
): string | undefined {
  if (layer !== "overlay") return undefined;
  if (input.config.values.enableOverlay === "driver") return "enable overlay = driver";
  if (upper?.volume.mounter.kind === "fuse") {
    return "the kernel's overlay takes no writes into a file system that FUSE serves";
  }
  if (hasKernelOverlay(input)) return undefined;
  return `kernel ${input.host.kernel} has no overlay in user namespaces (needs 5.11)`;
}

function atLeast(version: readonly [number, number], wanted: readonly [number, number]): boolean {
  return version[0] > wanted[0] || (version[0] === wanted[0] && version[1] >= wanted[1]);
}

function collectOverlays(input: LayerInput): OverlayLayer[] {
  const { request, host, image, volumes, userNamespace, notices } = input;
  const readOnly: OverlayLayer[] = [];
  let writable: OverlayLayer | undefined;
  const mountable = (fstype: "squashfs" | "ext3", path: string) =>
    chooseMounter(fstype, path, host, { userNamespace, unpack: false });

  for (const part of image.overlays) {
    if (part.kind !== "squashfs" && part.kind !== "ext3") continue;
    const write = request.writable && part.kind === "ext3" && writable === undefined;
    const layer = packedLayer(
      image.path,
      part.kind,
      part.offsetBytes,
      part.sizeBytes,
      write,
      mountable(part.kind, image.path),
      `overlay partition ${part.id} of the image`,
    );
    if (write) writable = layer;
    else readOnly.push(layer);
  }
  if (request.overlays.length > 0 && request.writable) throw conflict("--overlay", "--writable");
  const origin = request.origins["overlay"] ?? "--overlay";
  for (const text of request.overlays) {
    const spec = parseOverlay(text, host.cwd ?? "/");
    const volume = volumes.get(spec.path);
    if (volume === undefined) {
      throw new Fault(
        "not-found",
        `while loading overlay images: failed to open overlay image ${spec.path}: no such file or directory`,
        {
          hint: "check the path, or make an overlay directory with mkdir",
        },
      );
    }
    const layer = overlayLayer(spec, volume, mountable, origin, notices);
    if (!layer.writable) readOnly.push(layer);
    else if (writable === undefined) writable = layer;
    else {
      throw new Fault(
        "usage",
        `while loading overlay images: you can't specify more than one writable overlay, ${writable.volume.path} contains a writable overlay, requires to use '--overlay ${spec.path}:ro'`,
        { exitCode: 255 },
      );
    }
  }
  return writable === undefined ? readOnly : [...readOnly, writable];
}

function overlayLayer(
  spec: OverlaySpec,
  volume: ImageFacts,
  mountable: (fstype: "squashfs" | "ext3", path: string) => Volume["mounter"],
  why: string,
  notices: Notice[],
): OverlayLayer {
  if (volume.format === "directory") {
    const write = !spec.readOnly;
    if (write && !volume.writable) {
      throw new Fault(
        "denied",
        `Cannot use "${spec.path}" as overlay: setup of overlay upper dir failed: ${spec.path}/upper is not writable: permission denied`,
        { hint: "append :ro to use it read-only, or use --fakeroot" },
      );
    }
    const hasUpper = volume.tree.lstat("/upper")?.kind === "dir";
    const plain = !write && !hasUpper;
    return {
      volume: {
        path: spec.path,
        fstype: "directory",
        offsetBytes: 0,
        sizeBytes: 0,
        writable: write,
        mounter: { kind: "directory", why: "the overlay is a directory" },
        why,
      },
      dir: plain ? "/" : "/upper",
      work: write ? "/work" : "",
      writable: write,
    };
  }
  const part = volume.format === "sif" ? volume.overlays[0] : volume.root;
  if (part === undefined || (part.kind !== "squashfs" && part.kind !== "ext3")) {
    throw new Fault(
      "invalid",
      `while loading overlay images: no overlay partition found in ${spec.path}`,
      {
        hint: "use a directory, an ext3 or a squashfs image, or a SIF with an overlay partition",
      },
    );
  }
  const write = !spec.readOnly && part.kind === "ext3" && volume.writable;
  if (!write && !spec.readOnly) {
    notices.push({
      level: "warning",
      text: `Overlay image ${spec.path} is not writable, proceeding with read-only`,
    });
  }
  return packedLayer(
    spec.path,
    part.kind,
    part.offsetBytes,
    part.sizeBytes,
    write,
    mountable(part.kind, spec.path),
    why,
  );
}

function packedLayer(
  path: string,
  fstype: "squashfs" | "ext3",
  offsetBytes: number,
  sizeBytes: number,
  writable: boolean,
  mounter: Volume["mounter"],
  why: string,
): OverlayLayer {
  return {
    volume: { path, fstype, offsetBytes, sizeBytes, writable, mounter, why },
    // An ext3 overlay keeps its layer in /upper beside /work; a squashfs one is the layer itself.
    dir: fstype === "ext3" ? "/upper" : "/",
    work: writable ? "/work" : "",
    writable,
  };
}
