import { decodeOsText } from "../../base/os-text.ts";
import { dirName } from "../../base/path.ts";
import { parseImageConfig } from "../../format/oci/image-config.ts";
import { type NamedLayer, textsOf } from "../../format/ocisif/image-texts.ts";
import { SQUASHFS_LAYER } from "../../format/ocisif/media-types.ts";
import { relayer } from "../../format/ocisif/relayer.ts";
import { imageHost } from "../../host/image-host.ts";
import { openImageFile } from "../../image/image-file.ts";
import { openOciSif, readOciImage, sha256, wholeTree } from "../../image/ocisif/open-oci-sif.ts";
import { openWorkspace } from "../workspace.ts";
import { imageOfOciSif } from "./image-of-oci-sif.ts";
import { OciSifFile } from "./oci-sif-file.ts";
import { type PackLayersOptions, packLayers } from "./pack-layers.ts";

/**
 * Makes the ext3 overlay of an OCI-SIF a SquashFS layer like the others. The image is written anew
 * beside the old one and renamed, so that it is whole at any moment and has no room of the overlay left.
 * The caller has seen that there is an overlay. Throws a Fault.
 */
export async function sealOverlay(path: string, options: PackLayersOptions): Promise<void> {
  const { signal } = options;
  const opened = openImageFile(path, imageHost);
  const image = imageOfOciSif(opened);
  const { sif } = readOciImage(opened);
  const config = parseImageConfig(decodeOsText(image.config), image.reference);
  const space = openWorkspace(dirName(path));
  try {
    const file = new OciSifFile(`${space.path}/image`, image.layers.length);
    const layers: NamedLayer[] = [];
    for (const layer of image.layers.slice(0, -1)) {
      layers.push(await file.takePieces(layer.mediaType, layer.open(), signal));
    }
    const overlay = { ...image, layers: image.layers.slice(-1) };
    const packed = `${space.path}/layer`;
    const facts = openOciSif(opened, imageHost);
    const lower = wholeTree({ ...facts, overlays: facts.overlays.slice(0, -1) });
    const created = config.createdSeconds;
    await packLayers(overlay, { path: packed, offsetBytes: 0, created, over: { lower } }, options);
    layers.push(await file.takeFile(SQUASHFS_LAYER, packed, signal));
    // Signatures of what the image was are left behind.
    const { config: made, manifest } = relayer(sif, layers, sha256);
    file.finish(textsOf(made.bytes, manifest, sha256), path);
  } finally {
    space.remove();
  }
}
