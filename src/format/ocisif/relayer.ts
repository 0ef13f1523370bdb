import {
  configWithLayers,
  type ImageTexts,
  indexReplacing,
  manifestWith,
  type NamedLayer,
} from "./image-texts.ts";
import type { DigestOf, OciSif } from "./oci-sif.ts";

/** The texts of an OCI-SIF with other layers; all else in them stays. */
export function relayer(
  oci: OciSif,
  layers: readonly NamedLayer[],
  digestOf: DigestOf,
): ImageTexts {
  const diffIds = layers.map(({ digest }) => digest);
  const bytes = configWithLayers(oci.config.bytes, diffIds, undefined, "the OCI-SIF image");
  const config = { bytes, digest: digestOf(bytes) };
  const text = manifestWith(config, layers, oci.manifest.bytes);
  const manifest = {
    bytes: text,
    digest: digestOf(text),
    mediaType: oci.manifest.mediaType,
  };
  const index = indexReplacing(oci.index.bytes, oci.manifest.digest, manifest, bytes);
  return { config, manifest, index: { bytes: index, digest: digestOf(index) } };
}
