import { Fault } from "../../base/fault.ts";
import type { FileView } from "../../base/file-view.ts";
import { KeptMarks } from "../../format/oci/merge/kept-marks.ts";
import { planOutput } from "../../format/oci/merge/merge-output.ts";
import type { MergedNode } from "../../format/oci/merge/merged-node.ts";
import type { OciImage } from "../../format/oci/oci-image.ts";
import type { ConvertOptions } from "../oci/convert.ts";
import { finishRoot } from "../oci/finish-root.ts";
import { mergeWhileWriting } from "../oci/merge-while-writing.ts";
import { type MergedRoot, packOnce } from "../oci/pack-once.ts";
import type { StreamInput } from "../oci/squashfs-stream.ts";

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
  const tool = options.tool("mksquashfs");
  if (tool === undefined) {
    throw new Fault("missing-tool", "while searching for mksquashfs: it is not in PATH", {
      hint: "install the package squashfs-tools",
    });
  }
  const { over, path, offsetBytes } = place;
  const stream: StreamInput = {
    tool,
    target: path,
    offsetBytes,
    processors: options.processors,
    memory: options.memory,
    extraArguments: options.mksquashfsArgs,
    signal: options.signal,
  };
  const limit = Math.min(options.sourceDateEpoch ?? MAX_TIME, MAX_TIME);
  const { output, root } = await (over === undefined
    ? packMerged(image, limit, stream, place.created, options.progress)
    : packKept(image, limit, stream, place, options.progress));
  const latest = Math.max(0, Math.min(output.latestSeconds, limit));
  const sizeBytes = finishRoot(path, offsetBytes, root, latest, output.ids);
  return { sizeBytes, root };
}

/** Layers that become one, each read once. */
async function packMerged(
  image: OciImage,
  limit: number,
  stream: StreamInput,
  created: number,
  progress: PackLayersOptions["progress"],
): Promise<MergedRoot> {
  const { signal } = stream;
  return await packOnce(image, limit, stream, async (write) => {
    const merged = await mergeWhileWriting(image, created, limit, write, progress, signal);
    const { root, written } = merged;
    return { root, output: planOutput(root, image.layers.length, written) };
  });
}

/** A layer that stays one: what its marks become is known when it has been read. */
async function packKept(
  image: OciImage,
  limit: number,
  stream: StreamInput,
  { created, over }: PackPlace,
  progress: PackLayersOptions["progress"],
): Promise<MergedRoot> {
  const { signal } = stream;
  return await packOnce(image, limit, stream, async (write) => {
    const marks = new KeptMarks();
    const merged = await mergeWhileWriting(image, created, limit, write, progress, signal, {
      marks,
    });
    const { root, written } = merged;
    marks.finish(root, over?.lower);
    if (marks.opaque.has(root) && over?.lower === undefined) {
      const [layer] = image.layers;
      throw new Fault(
        "unsupported",
        `Cannot use the layer ${layer?.digest}: it hides all of the layers below it`,
        { hint: "leave --keep-layers out" },
      );
    }
    return { root, output: planOutput(root, image.layers.length, written) };
  });
}
