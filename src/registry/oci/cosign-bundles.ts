import {
  bundleEnvelope,
  bundleManifests,
  isBundleType,
  referrersTag,
} from "../../format/cosign/bundle.ts";
import { type SignatureLayer, signatureLayers } from "../../format/cosign/signature-image.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../format/oci/manifest.ts";
import type { CosignSignature } from "../../trust/cosign/check-cosign.ts";
import type { HttpClient } from "../http/client.ts";
import { HttpFault } from "../http/http-fault.ts";
import { readWhole } from "../http/read-body.ts";
import { readText } from "./cosign-signatures.ts";
import { type FetchedManifest, fetchManifest } from "./manifest-request.ts";
import type { Registry } from "./registry.ts";

const MOST_REFERRERS = 64;
const LIMIT_BYTES = 4 << 20;

/**
 * The signatures of an image that refer to it as bundles:
 *
 *   GET referrers/<digest> ─► 404: GET manifests/sha256-<hex>     a list
 *   manifest of each in it ─► its layer: the bundle
 *
 * None when there is no list. Throws a Fault when the registry cannot be asked.
 */
export async function fetchCosignBundles(
  registry: Registry,
  http: HttpClient,
  repository: string,
  digest: string,
): Promise<readonly CosignSignature[]> {
  const what = `the signatures of ${digest}`;
  const found: CosignSignature[] = [];
  const list = bundleManifests(await fetchReferrers(registry, repository, digest, what));
  for (const one of list.slice(0, MOST_REFERRERS)) {
    const manifest = await unlessGone(
      fetchManifest(registry, repository, one, what, [OCI_MANIFEST]),
    );
    for (const layer of signatureLayers(manifest?.text ?? "")) {
      if (!isBundleType(layer.mediaType) || !isSmallBlob(layer)) continue;
      const bytes = await readText(registry, http, repository, layer, what);
      const envelope = bundleEnvelope(new TextDecoder().decode(bytes));
      if (envelope === undefined) continue;
      const { payload, payloadType, signatures } = envelope;
      found.push(...signatures.map((each) => ({ payload, payloadType, signature: each.bytes })));
    }
  }
  return found;
}

/** The list as text, "" for none. */
async function fetchReferrers(
  registry: Registry,
  repository: string,
  digest: string,
  what: string,
): Promise<string> {
  const answer = await registry.send(`${repository}/referrers/${digest}`, repository, "pull", {
    headers: { accept: OCI_INDEX },
  });
  if (answer.ok) {
    return new TextDecoder().decode(await readWhole(answer, LIMIT_BYTES, what));
  }
  await answer.body?.cancel();
  const tag = referrersTag(digest);
  const list = await unlessGone(fetchManifest(registry, repository, tag, what, [OCI_INDEX]));
  return list?.text ?? "";
}

/** Undefined for what is not there: a list may name what was deleted. */
async function unlessGone(asked: Promise<FetchedManifest>): Promise<FetchedManifest | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof HttpFault && error.status === 404) return undefined;
    throw error;
  }
}

function isSmallBlob({ digest, size }: SignatureLayer): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(digest) && size >= 0 && size <= LIMIT_BYTES;
}
