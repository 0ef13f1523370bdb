import { decodeOsText } from "../../base/os-text.ts";
import { dirName } from "../../base/path.ts";
import { parseImageConfig } from "../../format/oci/image-config.ts";
import { OCI_MANIFEST } from "../../format/oci/manifest.ts";
import { layOver } from "../../format/oci/merge/lay-over.ts";
import { impliedDirectory, type MergedNode } from "../../format/oci/merge/merged-node.ts";
import { mergedView } from "../../format/oci/merge/merged-view.ts";
import type { OciImage, OciLayer } from "../../format/oci/oci-image.ts";
import {
  configWithLayers,
  type ImageTexts,
  manifestWith,
  type NamedLayer,
  textsOf,
} from "../../format/ocisif/image-texts.ts";
import { SQUASHFS_LAYER } from "../../format/ocisif/media-types.ts";
import { sha256 } from "../../image/ocisif/open-oci-sif.ts";
import type { ConvertOptions } from "../oci/convert.ts";
import { type ConvertProgress, totalOf } from "../oci/convert-progress.ts";
import { openWorkspace } from "../workspace.ts";
import { type LayerPart, layerParts } from "./layer-parts.ts";
import { OciSifFile } from "./oci-sif-file.ts";
import { type PackLayersOptions, packLayers } from "./pack-layers.ts";

/** Choices about a conversion to an OCI-SIF. */
export interface OciSifOptions extends PackLayersOptions, Pick<ConvertOptions, "talk" | "version"> {
  /** Each layer stays one, instead of all becoming a single one. */
  readonly keepLayers: boolean;
}

const MAX_TIME = 0xffffffff;

/**
 * Makes an OCI-SIF at `target` of an image, as build/oci/convert.ts makes a SIF: layers become SquashFS
 * as one stream each, and nothing is unpacked. Layers that are SquashFS already are copied; when all
 * are, manifest and configuration, and so the image's digest, stay what they were.
 *
 * The same image gives the same bytes, with the same mksquashfs and version of this program. Written
 * beside the target and renamed. Throws a Fault, or the reason of the signal.
 */
export async function convertToOciSif(
  image: OciImage,
  target: string,
  options: OciSifOptions,
): Promise<void> {
  const parts = layerParts(image, options.keepLayers);
  const config = parseImageConfig(decodeOsText(image.config), image.reference);
  const epoch = options.sourceDateEpoch ?? Number.POSITIVE_INFINITY;
  const created = Math.min(config.createdSeconds, epoch, MAX_TIME);
  const tell = progressOf(image, options.progress);
  const space = openWorkspace(dirName(target));
  try {
    options.talk.info("Creating OCI-SIF file...");
    const file = new OciSifFile(`${space.path}/image`, parts.length);
    const layers: NamedLayer[] = [];
    /** What the layers so far show; undefined once it is not known. */
    let lower: MergedNode | undefined = impliedDirectory(created);
    for (const [index, part] of parts.entries()) {
      const { progress, done } = tell(part);
      if (part.kind === "copy") {
        lower = undefined;
        layers.push(await copy(file, part.layer, options.signal));
      } else {
        const packed = { ...image, layers: part.layers };
        // The only layer is written where it will lie.
        const isAlone = parts.length === 1;
        const path = isAlone ? file.path : `${space.path}/layer`;
        const offsetBytes = isAlone ? file.endBytes : 0;
        // The lowest layer has nothing to remove.
        const over = index > 0 ? { over: { lower: lower && mergedView(lower) } } : {};
        const place = { path, offsetBytes, created, ...over };
        const { root, sizeBytes } = await packLayers(packed, place, { ...options, progress });
        if (lower !== undefined && index < parts.length - 1) layOver(lower, root);
        layers.push(
          isAlone
            ? await file.takeWritten(SQUASHFS_LAYER, sizeBytes, options.signal)
            : await file.takeFile(SQUASHFS_LAYER, path, options.signal),
        );
      }
      done();
    }
    file.finish(textsFor(image, parts, layers, created, options), target);
  } finally {
    space.remove();
  }
}

async function copy(file: OciSifFile, layer: OciLayer, signal: AbortSignal): Promise<NamedLayer> {
  return await file.takePieces(layer.mediaType, layer.open(), signal);
}

/** Configuration, manifest and index: the image's own where its layers are. */
function textsFor(
  image: OciImage,
  parts: readonly LayerPart[],
  layers: readonly NamedLayer[],
  created: number,
  options: OciSifOptions,
): ImageTexts {
  if (image.manifest !== undefined && parts.every(({ kind }) => kind === "copy")) {
    return textsOf(image.config, image.manifest, sha256);
  }
  const [, hex = ""] = image.manifestDigest.split(":");
  const history = {
    created: new Date(created * 1000).toISOString(),
    createdBy: `skiff ${options.version}`,
    comment: `oci-sif created from ${hex}`,
  };
  // SquashFS is not packed once more: its digest is its diff id.
  const diffIds = layers.map(({ digest }) => digest);
  const bytes = configWithLayers(image.config, diffIds, history, image.reference);
  const manifest = manifestWith({ bytes, digest: sha256(bytes) }, layers, undefined);
  return textsOf(bytes, { bytes: manifest, mediaType: OCI_MANIFEST }, sha256);
}

/** Progress of the parts one after another as that of the whole. */
function progressOf(
  image: OciImage,
  progress: (event: ConvertProgress) => void,
): (part: LayerPart) => {
  readonly progress: (event: ConvertProgress) => void;
  readonly done: () => void;
} {
  const totalBytes = totalOf(image.layers);
  let before = 0;
  return (part) => ({
    progress: ({ doneBytes }) => {
      progress({ doneBytes: Math.min(totalBytes, before + doneBytes), totalBytes });
    },
    done: () => {
      before += totalOf(part.kind === "copy" ? [part.layer] : part.layers);
      progress({ doneBytes: before, totalBytes });
    },
  });
}
