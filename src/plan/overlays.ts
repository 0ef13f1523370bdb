import { Fault } from "../base/fault.ts";
import type { FileView } from "../base/file-view.ts";
import { resolvePath } from "../base/path.ts";
import type { ImageFacts } from "./facts.ts";
import type { LayerInput } from "./layer-input.ts";
import { chooseMounter } from "./mounter.ts";
import type { Notice, OverlayLayer, Volume } from "./plan.ts";

/** Directories of an overlay that keep its layer and what the kernel needs to write to it. */
export const LAYER_DIR = "/upper";
export const LAYER_WORK = "/work";

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

/**
 * The layers that the image brings and that --overlay names, bottom to top; the writable one is last.
 *
 * @throws Fault for two writable ones, for what is missing, and for what is no layer.
 */
export function collectOverlays(input: LayerInput): OverlayLayer[] {
  const { request, host, image, volumes, userNamespace, uid, notices } = input;
  const readOnly: OverlayLayer[] = [];
  let writable: OverlayLayer | undefined;
  const mountable = (fstype: "squashfs" | "ext3", path: string) =>
    chooseMounter(fstype, path, host, { userNamespace, unpack: false });

  for (const part of image.overlays) {
    if (part.kind !== "squashfs" && part.kind !== "ext3") continue;
    const write = request.writable && part.kind === "ext3" && writable === undefined;
    if (write) {
      if (!image.writable) {
        throw new Fault("denied", `Cannot write to "${image.path}": permission denied`, {
          hint: "use an image that you own, or --writable-tmpfs",
        });
      }
      // An OCI runtime's namespace has other ids: there it belongs to the caller.
      checkUpper(part.tree, image.path, request.oci === true ? 0 : uid, image.format === "oci-sif");
    }
    const layer = packedLayer(
      image.path,
      part.kind,
      part.offsetBytes,
      part.sizeBytes,
      write,
      mountedLayer(mountable(part.kind, image.path), image.path),
      image.format === "oci-sif"
        ? `layer in object ${part.id} of the image`
        : `overlay partition ${part.id} of the image`,
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
    const layer = overlayLayer(spec, volume, mountable, origin, uid, notices);
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

/** A layer above the root is never unpacked. */
function mountedLayer(mounter: Volume["mounter"], path: string): Volume["mounter"] {
  if (mounter.kind !== "unpack") return mounter;
  throw new Fault("unsupported", `Cannot mount the layers of "${path}": ${mounter.why}`, {
    hint: "make the image a single layer: pull it without --keep-layers, or build a SIF of it",
  });
}

/** The files of an overlay's volume: those of its partition, or of the whole file or directory. */
export function layerTree(
  volume: Volume,
  image: ImageFacts,
  volumes: ReadonlyMap<string, ImageFacts>,
): FileView | undefined {
  const opened = volume.path === image.path ? image : volumes.get(volume.path);
  const part = opened?.overlays.find((one) => one.offsetBytes === volume.offsetBytes);
  return part?.tree ?? opened?.tree;
}

/** A writable overlay whose layer is somebody else's takes no writes: said before anything starts. */
function checkUpper(tree: FileView, path: string, uid: number, hasOci: boolean = false): void {
  const upper = tree.lstat("/upper");
  const mayWrite =
    uid === 0 || upper === undefined || upper.uid === uid || (upper.mode & 0o002) !== 0;
  if (mayWrite) return;
  throw new Fault(
    "denied",
    `Cannot use "${path}" as overlay: setup of overlay upper dir failed: /upper in it belongs to user ${upper.uid} and is not writable: permission denied`,
    {
      hint: hasOci
        ? "use --oci or --fakeroot"
        : "append :ro to use it read-only, or use --fakeroot",
    },
  );
}

function overlayLayer(
  spec: OverlaySpec,
  volume: ImageFacts,
  mountable: (fstype: "squashfs" | "ext3", path: string) => Volume["mounter"],
  why: string,
  uid: number,
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
      dir: plain ? "/" : LAYER_DIR,
      work: write ? LAYER_WORK : "",
      writable: write,
    };
  }
  const inSif = volume.format === "sif" ? volume.overlays[0] : undefined;
  const part = volume.format === "sif" ? inSif : volume.root;
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
  if (write) checkUpper(inSif?.tree ?? volume.tree, spec.path, uid);
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
    dir: fstype === "ext3" ? LAYER_DIR : "/",
    work: writable ? LAYER_WORK : "",
    writable,
  };
}

function conflict(one: string, other: string): Fault {
  return new Fault("usage", `cannot use ${one} in conjunction with ${other}`, { exitCode: 255 });
}
