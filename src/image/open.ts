import { sliceSource } from "../base/byte-source.ts";
import type { Fault } from "../base/fault.ts";
import type { FileView } from "../base/file-view.ts";
import { ExtTree } from "../format/ext3/tree.ts";
import { DATA_OCI_ROOT } from "../format/sif/codes.ts";
import { SquashfsTree } from "../format/squashfs/tree.ts";
import type { ImageFacts, ImagePart, OverlayPart, RootKind } from "../plan/facts.ts";
import { decompress } from "./decompress.ts";
import { imageFault, withImage } from "./image-fault.ts";
import { type ImageFile, openImageFile } from "./image-file.ts";
import type { ImageHost } from "./image-host.ts";

/**
 * Opens an image that holds a root file system. `path` is absolute. Throws a Fault that names the
 * image and the reason, as `openImageFile` does, and for a SIF without a root partition. Whether the
 * architecture can run here is for the planner to judge.
 */
export function openImage(path: string, host: ImageHost): ImageFacts {
  return imageOf(openImageFile(path, host), host);
}

/** The same for an image that is open already. An OCI-SIF is for ocisif/open-oci-sif.ts. */
export function imageOf(file: ImageFile, host: ImageHost): ImageFacts {
  const { root } = file;
  if (root === undefined) throw noRoot(file);
  const { tree, compression } = openTree(file, root, host);
  return {
    path: file.path,
    format: file.format,
    rootKind: rootKind(file, root),
    root,
    arch: file.arch,
    overlays: overlayParts(file, host),
    parts: file.parts,
    compression,
    tree,
    writable: file.writable,
  };
}

/** Whether an image file has layers instead of a root partition. */
export function isLayered(file: ImageFile): boolean {
  return file.sif?.objects.some((o) => o.dataType === DATA_OCI_ROOT) === true;
}

function noRoot(file: ImageFile): Fault {
  return imageFault("invalid", file.path, "no root filesystem found", {
    hint: isLayered(file)
      ? "it is an OCI-SIF, which has layers instead of one root partition; pull the image again as a native SIF"
      : "the SIF has no primary system partition; `sif list` shows what it holds",
  });
}

/** The tree of a partition of an opened image, read in place; an empty one where it cannot be read (encrypted, raw). */
export function openTree(
  file: ImageFile,
  part: ImagePart,
  host: ImageHost,
): { readonly tree: FileView; readonly compression: string | undefined } {
  if (file.format === "directory") return { tree: host.files(file.path), compression: undefined };
  const source = sliceSource(file.source, part.offsetBytes, part.sizeBytes);
  const device = `${file.id}@${part.offsetBytes}`;
  try {
    if (part.kind === "squashfs") {
      const tree = new SquashfsTree(source, decompress, device);
      return { tree: named(tree, file.path), compression: tree.superblock.compression };
    }
    if (part.kind === "ext3") {
      return { tree: named(new ExtTree(source, device), file.path), compression: undefined };
    }
  } catch (error) {
    throw withImage(file.path, error);
  }
  return { tree: EMPTY, compression: undefined };
}

/** The overlay partitions of an opened image with their trees. */
export function overlayParts(file: ImageFile, host: ImageHost): readonly OverlayPart[] {
  return file.overlays.map((part) => ({ ...part, tree: openTree(file, part, host).tree }));
}

/** The same tree; damage that it meets names the image. */
function named(tree: FileView, path: string): FileView {
  const guard = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      throw withImage(path, error);
    }
  };
  return {
    lstat: (at) => guard(() => tree.lstat(at)),
    list: (at) => guard(() => tree.list(at)),
    read: (at, limitBytes) => guard(() => tree.read(at, limitBytes)),
  };
}

const EMPTY: FileView = {
  lstat: () => undefined,
  list: () => undefined,
  read: () => undefined,
};

function rootKind(file: ImageFile, root: ImagePart): RootKind {
  if (file.format === "directory") return "directory";
  if (root.kind === "raw" || root.kind === "archive") {
    throw imageFault("unsupported", file.path, `its root partition is of kind ${root.kind}`, {
      hint: "a root partition has to be SquashFS or ext3, plain or encrypted",
    });
  }
  return root.kind;
}
