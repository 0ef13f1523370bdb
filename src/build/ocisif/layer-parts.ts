import { Fault } from "../../base/fault.ts";
import type { OciImage, OciLayer } from "../../format/oci/oci-image.ts";
import { EXT3_LAYER, SQUASHFS_LAYER } from "../../format/ocisif/media-types.ts";

/** What becomes one layer of an OCI-SIF. */
export type LayerPart =
  | { readonly kind: "copy"; readonly layer: OciLayer }
  | { readonly kind: "pack"; readonly layers: readonly OciLayer[] };

/**
 * How the layers of an image become those of an OCI-SIF: one for all, or with `keepLayers` one each. A
 * writable overlay on top stays. Throws a Fault for an image without layers.
 */
export function layerParts(image: OciImage, keepLayers: boolean): readonly LayerPart[] {
  const top = image.layers.at(-1);
  const overlay = top?.mediaType === EXT3_LAYER ? top : undefined;
  const below = overlay === undefined ? image.layers : image.layers.slice(0, -1);
  if (below.length === 0) {
    throw new Fault("invalid", `Cannot use ${image.reference}: the image has no layers`);
  }
  const packed = ({ mediaType }: OciLayer): boolean => mediaType === SQUASHFS_LAYER;
  const parts: LayerPart[] =
    below.length > 1 && !keepLayers
      ? [{ kind: "pack", layers: below }]
      : below.map((layer) =>
          packed(layer) ? { kind: "copy", layer } : { kind: "pack", layers: [layer] },
        );
  if (overlay !== undefined) parts.push({ kind: "copy", layer: overlay });
  return parts;
}
