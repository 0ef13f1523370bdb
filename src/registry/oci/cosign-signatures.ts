import { fromBase64, toBase64 } from "../../base/base64.ts";
import {
  signatureImage,
  signatureLayer,
  signatureLayers,
} from "../../format/cosign/signature-image.ts";
import {
  SIGNATURE_ANNOTATION,
  SIMPLE_SIGNING_TYPE,
  signatureTag,
} from "../../format/cosign/simple-signing.ts";
import { OCI_MANIFEST, parseManifest } from "../../format/oci/manifest.ts";
import type { CosignSignature } from "../../trust/cosign/check-cosign.ts";
import type { HttpClient } from "../http/client.ts";
import { HttpFault } from "../http/http-fault.ts";
import { streamBlob } from "./blob-request.ts";
import { type FetchedManifest, fetchManifest } from "./manifest-request.ts";
import type { Registry } from "./registry.ts";
import { putManifest, uploadBlob } from "./upload.ts";

/** Puts a signature of an image beside those that the registry has. Throws a Fault. */
export async function storeCosignSignature(
  registry: Registry,
  repository: string,
  digest: string,
  { payload, signature }: CosignSignature,
): Promise<void> {
  const what = `the signatures of ${digest}`;
  const before = await fetchSignatureManifest(registry, repository, digest, what);
  const text = { bytes: payload, digest: sha256(payload) };
  const layer = signatureLayer(text, toBase64(signature));
  const layers = [...(before === undefined ? [] : signatureLayers(before.text)), layer];
  const { config, manifest } = signatureImage(layers, sha256);
  for (const blob of [text, config]) {
    const sizeBytes = blob.bytes.length;
    const upload = { digest: blob.digest, sizeBytes, body: blob.bytes, what };
    await uploadBlob(registry, repository, upload);
  }
  await putManifest(registry, repository, signatureTag(digest), manifest.bytes, OCI_MANIFEST);
}

function sha256(bytes: Uint8Array): string {
  return `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;
}

async function fetchSignatureManifest(
  registry: Registry,
  repository: string,
  digest: string,
  what: string,
): Promise<FetchedManifest | undefined> {
  try {
    return await fetchManifest(registry, repository, signatureTag(digest), what);
  } catch (error) {
    if (error instanceof HttpFault && error.status === 404) return undefined;
    throw error;
  }
}

const MOST_SIGNATURES = 64;
const LIMIT_BYTES = 1 << 20;

/** The signatures that a registry has for an image; none when nobody signed it. Throws a Fault when it cannot be asked. */
export async function fetchCosignSignatures(
  registry: Registry,
  http: HttpClient,
  repository: string,
  digest: string,
): Promise<readonly CosignSignature[]> {
  const what = `the signatures of ${digest}`;
  const fetched = await fetchSignatureManifest(registry, repository, digest, what);
  if (fetched === undefined) return [];
  const manifest = parseManifest(fetched.text, fetched.mediaType, what);
  const layers = manifest.kind === "image" ? manifest.layers : [];
  const found: CosignSignature[] = [];
  for (const blob of layers.slice(0, MOST_SIGNATURES)) {
    const signature = fromBase64(blob.annotations[SIGNATURE_ANNOTATION] ?? "");
    const isOne = blob.mediaType === SIMPLE_SIGNING_TYPE && blob.sizeBytes <= LIMIT_BYTES;
    if (signature === undefined || signature.length === 0 || !isOne) continue;
    const { digest: text, sizeBytes: size } = blob;
    const payload = await readText(registry, http, repository, { digest: text, size }, what);
    found.push({ payload, signature });
  }
  return found;
}

/** A small blob as it came: what it says counts only by the signature on it. */
export async function readText(
  registry: Registry,
  http: HttpClient,
  repository: string,
  { digest, size }: { readonly digest: string; readonly size: number },
  what: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const blob = { digest, sizeBytes: size, urls: [] };
  const bytes = new Uint8Array(size);
  let at = 0;
  for await (const piece of streamBlob({ registry, http, repository, blob, what }, 0)) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
