import type { FileView } from "../../base/file-view.ts";
import { layeredView } from "../../base/layered-view.ts";
import { decodeOsText } from "../../base/os-text.ts";
import { type ImageConfig, parseImageConfig } from "../../format/oci/image-config.ts";
import { type OciSif, readOciSif } from "../../format/ocisif/oci-sif.ts";
import { hasSquashfsMagic } from "../../format/squashfs/superblock.ts";
import type { ImageFacts, ImageLayer, OciRunFacts } from "../../plan/facts.ts";
import { imageFault, withImage } from "../image-fault.ts";
import { type ImageFile, openImageFile } from "../image-file.ts";
import type { ImageHost } from "../image-host.ts";
import { imageOf, isLayered, openTree } from "../open.ts";
import { hasExtMagic } from "../recognize.ts";

/** Where an ext3 overlay keeps its files. */
const LAYER_DIR = "/upper";
const FIRST_BYTES = 2048;

/** The image of an OCI-SIF that is open, with its configuration. */
export interface OpenOciSif {
  readonly sif: OciSif;
  readonly config: ImageConfig;
}

/** Index, manifest and configuration of an open OCI-SIF. Throws a Fault that names the file. */
export function readOciImage(file: ImageFile): OpenOciSif {
  try {
    if (file.sif === undefined) throw imageFault("invalid", file.path, "it is no OCI-SIF");
    const sif = readOciSif(file.sif, file.source, sha256);
    const config = parseImageConfig(decodeOsText(sif.config.bytes), `"${file.path}"`);
    return { sif, config };
  } catch (error) {
    throw withImage(file.path, error);
  }
}

/**
 * An OCI-SIF as an image: its lowest layer is the root, the others, and an ext3 overlay, are overlays.
 * Throws a Fault that names the file for texts and layers that are damaged or missing.
 */
export function openOciSif(file: ImageFile, host: ImageHost): ImageFacts {
  const { sif, config } = readOciImage(file);
  const parts = sif.layers.map(({ kind, object }, i): ImageLayer => {
    const first = file.source.read(object.offset, Math.min(FIRST_BYTES, object.sizeBytes));
    const isRight = kind === "squashfs" ? hasSquashfsMagic(first) : hasExtMagic(first);
    if (!isRight) {
      const name = kind === "squashfs" ? "SquashFS" : "ext3";
      throw imageFault("invalid", file.path, `its layer ${i + 1} is no ${name} image`, {
        hint: "the file is damaged; fetch or build it again",
      });
    }
    return { id: object.id, kind, offsetBytes: object.offset, sizeBytes: object.sizeBytes };
  });
  const [root, ...above] = parts;
  if (root === undefined || root.kind !== "squashfs") {
    throw imageFault("invalid", file.path, "it has no layer but an overlay");
  }
  const { tree, compression } = openTree(file, root, host);
  return {
    path: file.path,
    format: "oci-sif",
    rootKind: "squashfs",
    root,
    arch: config.arch === "" ? undefined : config.arch,
    overlays: above.map((part) => ({ ...part, tree: openTree(file, part, host).tree })),
    parts: [],
    compression,
    tree,
    oci: runFacts(config),
    writable: file.writable,
  };
}

/** Opens an image of any kind. `path` is absolute. Throws a Fault as `openImage` does. */
export function openAnyImage(path: string, host: ImageHost): ImageFacts {
  const file = openImageFile(path, host);
  return isLayered(file) ? openOciSif(file, host) : imageOf(file, host);
}

/** All layers of an image that is open, as one tree. */
export function wholeTree(image: ImageFacts): FileView {
  if (image.format !== "oci-sif" || image.overlays.length === 0) return image.tree;
  const above = image.overlays.map(({ tree, kind }) => ({
    view: tree,
    dir: kind === "ext3" ? LAYER_DIR : "/",
  }));
  return layeredView([...above.reverse(), { view: image.tree, dir: "/" }]);
}

/** What a configuration says about running its image. */
export function runFacts(config: ImageConfig): OciRunFacts {
  const { env, entrypoint, cmd, user, workingDir } = config;
  return { env, entrypoint, cmd, user, workingDir };
}

/** `sha256:…` of bytes. */
export function sha256(bytes: Uint8Array): string {
  return `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;
}
