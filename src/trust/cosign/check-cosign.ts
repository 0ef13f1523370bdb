import { type KeyObject, verify } from "node:crypto";
import { toBase64 } from "../../base/base64.ts";
import { isStatementOf } from "../../format/cosign/bundle.ts";
import { signedImageDigest } from "../../format/cosign/simple-signing.ts";
import { signedBytes } from "../../format/dsse/envelope.ts";

/** One signature of an image, as a registry has it. */
export interface CosignSignature {
  readonly payload: Uint8Array<ArrayBuffer>;
  /** Of the envelope that was signed; absent: the payload itself was. */
  readonly payloadType?: string;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** The signatures by the key on exactly that image. */
export function goodSignatures(
  signatures: readonly CosignSignature[],
  digest: string,
  key: KeyObject,
): readonly CosignSignature[] {
  const hash = key.asymmetricKeyType === "ed25519" ? null : "sha256";
  return signatures.filter(({ payload, payloadType, signature }) => {
    const text = new TextDecoder().decode(payload);
    const isAboutIt =
      payloadType === undefined ? signedImageDigest(text) === digest : isStatementOf(text, digest);
    if (!isAboutIt) return false;
    const message = payloadType === undefined ? payload : signedBytes({ payload, payloadType });
    try {
      return verify(hash, message, key, signature);
    } catch {
      // A signature of another form than this key makes.
      return false;
    }
  });
}

/** Name of the SIF object that keeps such a signature. */
export const COSIGN_RECORD: string = "cosign-signature.json";

/** What the SIF keeps: enough to check again, without the registry, that the image it was made of was signed. */
export function cosignRecord(
  reference: string,
  digest: string,
  { payload, payloadType, signature }: CosignSignature,
  key: KeyObject,
): string {
  return JSON.stringify({
    reference,
    digest,
    payload: toBase64(payload),
    ...(payloadType === undefined ? {} : { payloadType }),
    signature: toBase64(signature),
    publicKey: key.export({ type: "spki", format: "pem" }).toString(),
  });
}
