import { decodeOsText } from "../../base/os-text.ts";
import { DATA_SBOM } from "../../format/sif/codes.ts";
import { openImageFile } from "../image-file.ts";
import type { ImageHost } from "../image-host.ts";
import { openAnyImage, wholeTree } from "../ocisif/open-oci-sif.ts";
import { makeSbom } from "./make-sbom.ts";

/**
 * The list of packages that an image carries; where it carries none, one is made of its root, with the
 * time 0. `path` is absolute. Throws the Fault of an image that cannot be opened or read.
 */
export async function imageSbom(path: string, host: ImageHost, version: string): Promise<string> {
  const file = openImageFile(path, host);
  const object = file.sif?.objects.find((one) => one.dataType === DATA_SBOM);
  if (object !== undefined) return decodeOsText(file.source.read(object.offset, object.sizeBytes));
  return await makeSbom(wholeTree(openAnyImage(path, host)), 0, version);
}
