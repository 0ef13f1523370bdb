import type { KeptMarks } from "../../format/oci/merge/kept-marks.ts";
import { LayerMerge } from "../../format/oci/merge/layer-merge.ts";
import type { MergedNode } from "../../format/oci/merge/merged-node.ts";
import type { OciImage, OciLayer } from "../../format/oci/oci-image.ts";
import { LayerScan, UNPACK_LIMITS } from "./scan-layer.ts";

/** How far the layers of an image are read; bytes are packed bytes of all together. */
export interface ConvertProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** Layers read at the same time: as many as the registry client fetches. */
const AT_ONCE = 4;

/**
 * Reads all layers of an image for their headers, several at a time, and merges these from the bottom.
 *
 * @param impliedTime of directories that no entry describes, in seconds since 1970.
 * @param marks for an image of one layer that stays a layer: its marks of removal go there.
 */
export async function mergeImage(
  image: OciImage,
  impliedTime: number,
  progress: (event: ConvertProgress) => void,
  signal: AbortSignal,
  marks?: KeptMarks,
): Promise<MergedNode> {
  const onPacked = countPacked(image, progress);
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const merge = new LayerMerge(impliedTime, marks);
  const running: LayerScan[] = [];
  const start = (index: number): void => {
    const layer = image.layers[index];
    if (layer !== undefined) running.push(new LayerScan(layer, UNPACK_LIMITS, onPacked, both));
  };
  for (let i = 0; i < AT_ONCE; i++) start(i);
  try {
    for (let index = 0; index < running.length; index++) {
      running[index]?.mergeInto(merge);
      await running[index]?.done;
      start(index + AT_ONCE);
    }
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled(running.map(({ done }) => done));
    throw error;
  }
  return merge.root;
}

/** Adds up the bytes of all layers that have been read. */
export function countPacked(
  image: OciImage,
  progress: (event: ConvertProgress) => void,
): (bytes: number) => void {
  const totalBytes = totalOf(image.layers);
  let doneBytes = 0;
  return (bytes) => {
    doneBytes += bytes;
    progress({ doneBytes, totalBytes });
  };
}

export function totalOf(layers: readonly OciLayer[]): number {
  return layers.reduce((sum, layer) => sum + layer.sizeBytes, 0);
}
