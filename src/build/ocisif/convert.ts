import { Fault } from "../../base/fault.ts";
import { decodeOsText } from "../../base/os-text.ts";
import { dirName } from "../../base/path.ts";
import { parseImageConfig } from "../../format/oci/image-config.ts";
import { OCI_MANIFEST } from "../../format/oci/manifest.ts";
import { KeptMarks } from "../../format/oci/merge/kept-marks.ts";
import { planOutput } from "../../format/oci/merge/merge-output.ts";
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
import { finishRoot } from "../oci/finish-root.ts";
import { type ConvertProgress, mergeImage, totalOf } from "../oci/merge-image.ts";
import { packStream } from "../oci/squashfs-stream.ts";
import { writeMerged } from "../oci/write-merged.ts";
import { openWorkspace } from "../workspace.ts";
import { type LayerPart, layerParts } from "./layer-parts.ts";
import { OciSifFile } from "./oci-sif-file.ts";

/** Choices about a conversion to an OCI-SIF. */
export interface OciSifOptions
  extends Pick<
    ConvertOptions,
    | "talk"
    | "progress"
    | "tool"
    | "version"
    | "mksquashfsArgs"
    | "processors"
    | "memory"
    | "sourceDateEpoch"
    | "signal"
  > {
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
    for (const part of parts) {
      const { progress, done } = tell(part);
      if (part.kind === "copy") layers.push(await copy(file, part.layer, options.signal));
      else {
        const packed = { ...image, layers: part.layers };
        // The only layer is written where it will lie.
        const isAlone = parts.length === 1;
        const path = isAlone ? file.path : `${space.path}/layer`;
        const offsetBytes = isAlone ? file.endBytes : 0;
        const place = { path, offsetBytes, created, epoch, keepsMarks: part.keepsMarks };
        const sizeBytes = await pack(packed, place, { ...options, progress });
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

/** Packs the layers of an image into one SquashFS; gives its length. */
async function pack(
  image: OciImage,
  place: {
    readonly path: string;
    readonly offsetBytes: number;
    readonly created: number;
    readonly epoch: number;
    readonly keepsMarks: boolean;
  },
  options: OciSifOptions,
): Promise<number> {
  const { progress, signal } = options;
  const tool = options.tool("mksquashfs");
  if (tool === undefined) {
    throw new Fault("missing-tool", "while searching for mksquashfs: it is not in PATH", {
      hint: "install the package squashfs-tools",
    });
  }
  const marks = place.keepsMarks ? new KeptMarks() : undefined;
  const root = await mergeImage(image, place.created, progress, signal, marks);
  if (marks?.opaque.has(root) === true) {
    const [layer] = image.layers;
    throw new Fault(
      "unsupported",
      `Cannot use the layer ${layer?.digest}: it hides all of the layers below it`,
      { hint: "leave --keep-layers out" },
    );
  }
  const output = planOutput(root, image.layers.length);
  const latest = Math.max(0, Math.min(output.latestSeconds, place.epoch, MAX_TIME));
  await packStream(
    {
      tool,
      target: place.path,
      offsetBytes: place.offsetBytes,
      processors: options.processors,
      memory: options.memory,
      extraArguments: options.mksquashfsArgs,
      signal,
    },
    (write) => writeMerged(image, output, latest, write, signal),
  );
  return finishRoot(place.path, place.offsetBytes, root, latest, output.ids);
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
  const bytes = configWithLayers(image.config, layers, history, image.reference);
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
