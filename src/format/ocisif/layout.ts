import { DATA_OCI_BLOB, DATA_OCI_ROOT } from "../sif/codes.ts";
import { emptySif, encodeStart, planAdd } from "../sif/edit.ts";
import { encodeDigestExtra } from "../sif/extra.ts";
import { DESCRIPTOR_BYTES, TABLE_OFFSET, ZERO_TIME } from "../sif/header.ts";
import type { ImageTexts, NamedLayer } from "./image-texts.ts";

/** Slots beyond those in use: for an overlay, new texts, signatures. */
const SPARE_SLOTS = 8;
/** Configuration, manifest, index. */
const TEXTS = 3;

/** The layers that are written: each once, however often the image names it. */
export function distinctLayers<Layer extends NamedLayer>(
  layers: readonly Layer[],
): readonly Layer[] {
  return [...new Map(layers.map((layer) => [layer.digest, layer] as const)).values()];
}

/** Where the first layer of an OCI-SIF lies that has room for so many layers. */
export function firstLayerOffset(layers: number): number {
  return TABLE_OFFSET + (layers + TEXTS + SPARE_SLOTS) * DESCRIPTOR_BYTES;
}

/** The first bytes of an OCI-SIF, and where the layers and after them the three texts lie. */
export interface OciSifLayout {
  readonly head: Uint8Array;
  readonly offsets: readonly number[];
}

/**
 * Lays out an OCI-SIF as the peer does: deterministic, no launch line, layers, configuration, manifest,
 * index one after another (reference: sif.md section 12).
 *
 * @param slots layers that there is room for; at least as many as there are.
 */
export function layoutOciSif(
  layers: readonly NamedLayer[],
  { config, manifest, index }: ImageTexts,
  slots: number,
): OciSifLayout {
  const time = ZERO_TIME;
  let image = emptySif({ uuid: new Uint8Array(16), time, capacity: slots + TEXTS + SPARE_SLOTS });
  const offsets: number[] = [];
  const add = (dataType: number, digest: string, sizeBytes: number): void => {
    const extra = encodeDigestExtra(digest);
    const added = planAdd(image, { dataType, group: 1, sizeBytes, extra }, time);
    image = added.image;
    offsets.push(added.object.offset);
  };
  for (const { digest, sizeBytes } of layers) add(DATA_OCI_BLOB, digest, sizeBytes);
  for (const { digest, bytes } of [config, manifest]) add(DATA_OCI_BLOB, digest, bytes.length);
  add(DATA_OCI_ROOT, index.digest, index.bytes.length);
  return { head: encodeStart(image), offsets };
}
