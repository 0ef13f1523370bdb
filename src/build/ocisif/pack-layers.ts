import { Fault } from "../../base/fault.ts";
import type { FileView } from "../../base/file-view.ts";
import { KeptMarks } from "../../format/oci/merge/kept-marks.ts";
import { planOutput } from "../../format/oci/merge/merge-output.ts";
import type { MergedNode } from "../../format/oci/merge/merged-node.ts";
import type { OciImage } from "../../format/oci/oci-image.ts";
import type { ConvertOptions } from "../oci/convert.ts";
import { finishRoot } from "../oci/finish-root.ts";
import { mergeImage } from "../oci/merge-image.ts";
import { packStream } from "../oci/squashfs-stream.ts";
import { writeMerged } from "../oci/write-merged.ts";

/** Choices about packing layers. */
export type PackLayersOptions = Pick<
  ConvertOptions,
  "progress" | "tool" | "mksquashfsArgs" | "processors" | "memory" | "sourceDateEpoch" | "signal"
>;

/** Where a packed layer goes. */
export interface PackPlace {
  readonly path: string;
  readonly offsetBytes: number;
  /** When the image was made; seconds since 1970. */
  readonly created: number;
  /** It stays a layer over others, whose tree this is where it is known: marks of removal are kept. */
  readonly over?: { readonly lower: FileView | undefined };
}

const MAX_TIME = 0xffffffff;

/** Packs the layers of an image into one SquashFS; gives its length and what is in it. */
export async function packLayers(
  image: OciImage,
  place: PackPlace,
  options: PackLayersOptions,
): Promise<{ readonly sizeBytes: number; readonly root: MergedNode }> {
  const { progress, signal } = options;
  const tool = options.tool("mksquashfs");
  if (tool === undefined) {
    throw new Fault("missing-tool", "while searching for mksquashfs: it is not in PATH", {
      hint: "install the package squashfs-tools",
    });
  }
  const marks = place.over === undefined ? undefined : new KeptMarks();
  const root = await mergeImage(image, place.created, progress, signal, marks);
  marks?.finish(root, place.over?.lower);
  if (marks?.opaque.has(root) === true && place.over?.lower === undefined) {
    const [layer] = image.layers;
    throw new Fault(
      "unsupported",
      `Cannot use the layer ${layer?.digest}: it hides all of the layers below it`,
      { hint: "leave --keep-layers out" },
    );
  }
  const output = planOutput(root, image.layers.length);
  const epoch = options.sourceDateEpoch ?? MAX_TIME;
  const latest = Math.max(0, Math.min(output.latestSeconds, epoch, MAX_TIME));
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
  const sizeBytes = finishRoot(place.path, place.offsetBytes, root, latest, output.ids);
  return { sizeBytes, root };
}
