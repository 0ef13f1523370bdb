import { type KeyObject, sign } from "node:crypto";
import { renderSimpleSigning } from "../../format/cosign/signature-image.ts";
import type { CosignSignature } from "./check-cosign.ts";
import type { CosignedPlace } from "./cosigned-place.ts";

/** Signs an image by the digest of its manifest as cosign does. `creator` and `now` stand in the signed text. */
export function signDigest(
  key: KeyObject,
  { digest, reference }: Pick<CosignedPlace, "digest" | "reference">,
  creator: string,
  now: Date,
): CosignSignature {
  const text = renderSimpleSigning(reference, digest, creator, Math.floor(now.getTime() / 1000));
  const payload = new TextEncoder().encode(text);
  const hash = key.asymmetricKeyType === "ed25519" ? null : "sha256";
  return { payload, signature: Uint8Array.from(sign(hash, payload, key)) };
}
