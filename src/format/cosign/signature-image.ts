import { encodeOsText } from "../../base/os-text.ts";
import { OCI_MANIFEST } from "../oci/manifest.ts";
import { SIGNATURE_ANNOTATION, SIMPLE_SIGNING_TYPE } from "./simple-signing.ts";

/** A layer of an image that holds signatures, as its manifest has it; members that are not known are kept. */
export interface SignatureLayer {
  readonly mediaType: string;
  readonly size: number;
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A text and its digest. */
interface Digested {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly digest: string;
}

/** The text that cosign signs for an image: where it lies ("" for nowhere), the `sha256:…` of its manifest, who signs, and when in seconds since 1970. */
export function renderSimpleSigning(
  reference: string,
  digest: string,
  creator: string,
  seconds: number,
): string {
  return JSON.stringify({
    critical: {
      identity: { "docker-reference": reference },
      image: { "docker-manifest-digest": digest },
      type: "cosign container image signature",
    },
    optional: { creator, timestamp: seconds },
  });
}

/** The layer for a signed text. `signature` in base64. */
export function signatureLayer(payload: Digested, signature: string): SignatureLayer {
  return {
    mediaType: SIMPLE_SIGNING_TYPE,
    size: payload.bytes.length,
    digest: payload.digest,
    annotations: { [SIGNATURE_ANNOTATION]: signature },
  };
}

/** Layers of the manifest of such an image; none for a text that is no manifest. */
export function signatureLayers(manifest: string): readonly SignatureLayer[] {
  try {
    const { layers } = JSON.parse(manifest) as { readonly layers?: unknown };
    const isLayer = (one: unknown): one is SignatureLayer =>
      typeof one === "object" && one !== null && "digest" in one && "mediaType" in one;
    return Array.isArray(layers) ? layers.filter(isLayer) : [];
  } catch {
    // It counts as none: a new one takes its place.
    return [];
  }
}

/** Configuration and manifest of an image that holds signatures. */
export function signatureImage(
  layers: readonly SignatureLayer[],
  digestOf: (bytes: Uint8Array) => string,
): { readonly config: Digested; readonly manifest: Digested } {
  const created = "0001-01-01T00:00:00Z";
  const digested = (value: unknown): Digested => {
    const bytes = Uint8Array.from(encodeOsText(JSON.stringify(value)));
    return { bytes, digest: digestOf(bytes) };
  };
  const config = digested({
    architecture: "",
    created,
    history: layers.map(() => ({ created })),
    os: "",
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    config: {},
  });
  const manifest = digested({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: {
      mediaType: "application/vnd.oci.image.config.v1+json",
      size: config.bytes.length,
      digest: config.digest,
    },
    layers,
  });
  return { config, manifest };
}
