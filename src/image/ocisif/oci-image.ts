import { Fault } from "../../base/fault.ts";
import { decodeOsText } from "../../base/os-text.ts";
import { parseImageConfig } from "../../format/oci/image-config.ts";
import { descriptorName } from "../../format/sif/descriptor.ts";
import type { ImageFacts } from "../../plan/facts.ts";
import type { ImageFile } from "../image-file.ts";
import type { ImageHost } from "../image-host.ts";
import { imageOf, isLayered } from "../open.ts";
import { openOciSif, runFacts } from "./open-oci-sif.ts";

/** Name of the object in which a SIF keeps the configuration of the OCI image that it was made of. */
const CONFIG_NAME = "oci-config.json";
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * An open image with what it says about being run as an OCI image: an OCI-SIF always does, a SIF where
 * it was made of one. Throws a Fault that names the image.
 */
export function openAsOci(file: ImageFile, host: ImageHost): ImageFacts {
  if (isLayered(file)) return openOciSif(file, host);
  const image = imageOf(file, host);
  const object = file.sif?.objects.find((one) => descriptorName(one) === CONFIG_NAME);
  if (object === undefined) return image;
  if (object.sizeBytes > MAX_BYTES) {
    throw new Fault("invalid", `Cannot read "${file.path}": its ${CONFIG_NAME} is too long`);
  }
  const text = decodeOsText(file.source.read(object.offset, object.sizeBytes));
  // The object is the inner part of a configuration.
  const config = parseImageConfig(`{"config":${text}}`, `"${file.path}"`);
  return { ...image, oci: runFacts(config) };
}
