import { Fault } from "../base/fault.ts";
import type { Config } from "./config.ts";
import { clearMounter } from "./encrypted-root.ts";
import type { ImageFacts } from "./facts.ts";
import type { LayerInput } from "./layer-input.ts";
import { chooseMounter, chooseOverlayTool, rootFstype } from "./mounter.ts";
import { collectOverlays, LAYER_DIR, LAYER_WORK, layerTree } from "./overlays.ts";
import type { OverlayLayer, RootPlan, Volume } from "./plan.ts";

/**
 * The root of the container and the layers over it (reference: runtime.md 4.6). Mount points are left empty:
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
  // With --oci a temporary layer is only the default.
  if (
    request.oci === true &&
    upper !== undefined &&
    request.origins["writable-tmpfs"] === undefined
  ) {
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
  const how = { userNamespace, unpack: request.unsquash };
  const mounting: Partial<Volume> & Pick<Volume, "mounter"> =
    image.clear !== undefined
      ? clearMounter(image, image.clear, host, how)
      : {
          mounter:
            fstype === "directory"
              ? { kind: "directory", why: "the image is a directory" }
              : chooseMounter(fstype, image.path, host, how),
        };
  const isUnpacked = mounting.mounter.kind === "unpack";
  if (request.writable && upper === undefined && fstype === "squashfs" && !isUnpacked) {
    throw new Fault(
      "denied",
      `Cannot write to "${image.path}": no SIF writable overlay partition found in ${image.path}`,
      {
        hint: "use --writable-tmpfs or --overlay DIR, or build a sandbox with --sandbox",
      },
    );
  }
  if (writableImage && !image.writable && !isUnpacked) {
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
    ...mounting,
    why: "IMAGE on the command line",
  };
  const overlayTool = chooseOverlayTool(image.path, host, whyNotKernel(input, layer, overlays));
  return {
    image: root,
    layer,
    why,
    ...(overlayTool === undefined
      ? {}
      : {
          overlayTool: {
            ...overlayTool,
            ...(isForeignToOci(upper, input) ? { oneOwner: true } : {}),
          },
        }),
    overlays,
    tmpfsUpper,
    readOnly: !writableImage && !tmpfsUpper && upper === undefined,
    nosuid: host.isRealRoot && !userNamespace && !request.allowSetuid,
    mountPoints: [],
    underlay: [],
  };
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
  if (image.clear !== undefined) {
    forbid(values.allowContainerEncrypted, "allow container encrypted");
  }
  if (image.format === "sif" || image.format === "oci-sif")
    forbid(values.allowContainerSif, "allow container sif");
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

/**
 * Whether fuse-overlayfs was the last to write to a layer: it notes what is deleted in files named
 * `.wh.NAME`, as the kernel does not let it make the device nodes that the kernel's overlay knows. The
 * kernel closes the directory it works in to everybody, fuse-overlayfs keeps it open to the owner.
 */
function wasServed({ volume, dir }: OverlayLayer, { image, volumes }: LayerInput): boolean {
  if (dir !== LAYER_DIR) return false;
  // The kernel works in a directory of that name inside of the one it was given.
  return layerTree(volume, image, volumes)?.lstat(`${LAYER_WORK}/work`)?.mode === 0o700;
}

/**
 * Whether the layer to write to carries the caller's number where the caller goes by another: an OCI
 * runtime is in a namespace where the caller is root, and the numbers of a file system are not mapped.
 */
function isForeignToOci(upper: OverlayLayer | undefined, input: LayerInput): boolean {
  const { request, host, image, volumes } = input;
  if (request.oci !== true || host.uid === 0 || upper?.volume.fstype !== "ext3") return false;
  return layerTree(upper.volume, image, volumes)?.lstat(upper.dir)?.uid === host.uid;
}

/** Why the kernel's overlay cannot serve; absent when it can. */
function whyNotKernel(
  input: LayerInput,
  layer: RootPlan["layer"],
  overlays: readonly OverlayLayer[],
): string | undefined {
  if (layer !== "overlay") return undefined;
  const upper = overlays.find((one) => one.writable);
  if (input.config.values.enableOverlay === "driver") return "enable overlay = driver";
  if (upper?.volume.mounter.kind === "fuse") {
    return "the kernel's overlay takes no writes into a file system that FUSE serves";
  }
  const served = overlays.find((one) => wasServed(one, input));
  if (served !== undefined) {
    const why = `fuse-overlayfs has written to ${served.volume.path}: what was deleted there only it knows`;
    if (input.host.tool("fuse-overlayfs") !== undefined) return why;
    input.notices.push({ level: "warning", text: `${why}, and it is not installed` });
  }
  if (hasKernelOverlay(input)) return undefined;
  return `kernel ${input.host.kernel} has no overlay in user namespaces (needs 5.11)`;
}

function atLeast(version: readonly [number, number], wanted: readonly [number, number]): boolean {
  return version[0] > wanted[0] || (version[0] === wanted[0] && version[1] >= wanted[1]);
}
