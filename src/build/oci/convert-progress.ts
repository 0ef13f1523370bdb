import type { OciImage, OciLayer } from "../../format/oci/oci-image.ts";

/** How far the layers of an image are read; bytes are packed bytes of all together. */
export interface ConvertProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
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
