/*
 * Cosign's signatures of an image in a registry: at the tag `sha256-<hex>.sig` of the same repository
 * stands a manifest, one layer for each signature:
 *
 *   layer.mediaType    application/vnd.dev.cosign.simplesigning.v1+json
 *   layer.annotations  dev.cosignproject.cosign/signature: base64 of the signature over the layer's bytes
 *   layer's bytes      {"critical":{"identity":{"docker-reference":…},
 *                       "image":{"docker-manifest-digest":"sha256:…"},
 *                       "type":"cosign container image signature"},"optional":…}
 */

export const SIMPLE_SIGNING_TYPE: string = "application/vnd.dev.cosign.simplesigning.v1+json";
export const SIGNATURE_ANNOTATION: string = "dev.cosignproject.cosign/signature";

/** Tag of the signatures of an image. `digest`: `sha256:…`. */
export function signatureTag(digest: string): string {
  return `${digest.replace(":", "-")}.sig`;
}

/** The digest of the image that a signed text is about; undefined for a text that is none of cosign's. */
export function signedImageDigest(text: string): string | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    // Told to the caller, who then does not count it.
    return undefined;
  }
  const critical = member(document, "critical");
  const digest = member(member(critical, "image"), "docker-manifest-digest");
  const isCosign = member(critical, "type") === "cosign container image signature";
  return isCosign && typeof digest === "string" ? digest : undefined;
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
