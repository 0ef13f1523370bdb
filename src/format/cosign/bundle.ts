import { type Envelope, readEnvelope } from "../dsse/envelope.ts";

/*
 * A signature as cosign makes it since version 3: an artifact that refers to the image (the referrers of
 * the OCI distribution specification 1.1), whose one layer is a bundle of sigstore:
 *
 *   {"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",
 *    "verificationMaterial":…, "dsseEnvelope":{"payloadType":"application/vnd.in-toto+json",…}}
 *
 * The payload is a statement of in-toto:
 *
 *   {"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"<hex>"}}],
 *    "predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}
 */

const BUNDLE =
  /^application\/vnd\.dev\.sigstore\.bundle(\.v0\.[0-9]+\+json|\+json;version=0\.[0-9]+)$/;
/** What cosign's own lists of referrers call it, and those that do not say. */
const UNNAMED = ["", "application/vnd.oci.empty.v1+json"];
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const SIGN = "https://sigstore.dev/cosign/sign/v1";

/** Whether a media type is that of a bundle. */
export function isBundleType(mediaType: string): boolean {
  return BUNDLE.test(mediaType);
}

/** Tag of the list of what refers to an image, where a registry keeps no such lists. `digest`: `sha256:…`. */
export function referrersTag(digest: string): string {
  return digest.replace(":", "-");
}

/** Digests of the manifests in a list of referrers that may be of bundles; none for a text that is no list. */
export function bundleManifests(index: string): readonly string[] {
  const { manifests } = table(parse(index));
  if (!Array.isArray(manifests)) return [];
  return manifests.flatMap((one: unknown) => {
    const { artifactType = "", digest } = table(one);
    const isOne = isBundleType(String(artifactType)) || UNNAMED.includes(String(artifactType));
    return isOne && typeof digest === "string" && DIGEST.test(digest) ? [digest] : [];
  });
}

/** The envelope of a bundle; undefined for one of another kind. */
export function bundleEnvelope(text: string): Envelope | undefined {
  return readEnvelope(table(parse(text))["dsseEnvelope"]);
}

/** Whether a statement says that the image with that digest was signed: not that something is attested of it. */
export function isStatementOf(statement: string, digest: string): boolean {
  const { _type, predicateType, subject } = table(parse(statement));
  const isStatement = /^https:\/\/in-toto\.io\/Statement\/v[01](\.[0-9]+)?$/.test(String(_type));
  if (!isStatement || predicateType !== SIGN || !Array.isArray(subject)) return false;
  return subject.some((one) => `sha256:${table(table(one)["digest"])["sha256"]}` === digest);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Nothing in it counts.
    return undefined;
  }
}

function table(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
