import { createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import {
  type EnvelopeSignature,
  renderEnvelope,
  SIF_METADATA_TYPE,
  signedBytes,
} from "../../format/dsse/envelope.ts";
import type { ImageSigner } from "../sign/signature-object.ts";
import type { EnvelopeVerifier } from "../verify/key-material.ts";
import { sshKeyId } from "./key-id.ts";

/** Signs with a private key: DSSE envelopes (sif.md section 9.4). */
export function envelopeSigner(key: KeyObject): ImageSigner {
  const keyId = sshKeyId(createPublicKey(key));
  return {
    fingerprint: new Uint8Array(20),
    sign: async (text) => {
      const payload = new TextEncoder().encode(text);
      const message = signedBytes({ payload, payloadType: SIF_METADATA_TYPE });
      const bytes = new Uint8Array(sign(hashFor(key), message, key));
      const signatures = [{ keyId, bytes }];
      const envelope = { payload, payloadType: SIF_METADATA_TYPE, signatures };
      return new TextEncoder().encode(renderEnvelope(envelope));
    },
  };
}

/** Checks envelopes with public keys: one good signature by one of them is enough. */
export function envelopeVerifier(keys: readonly KeyObject[]): EnvelopeVerifier {
  return {
    verify: async (envelope) => {
      const message = signedBytes(envelope);
      const ids = keys.map(sshKeyId);
      const isGood = (key: KeyObject, at: number, { bytes, keyId }: EnvelopeSignature): boolean => {
        // As the peer: a signature by another name is another's, whatever it is worth.
        if (keyId !== "" && ids[at] !== "" && ids[at] !== keyId) return false;
        try {
          return verify(hashFor(key), message, key, bytes);
        } catch {
          // A signature of another form than this key makes.
          return false;
        }
      };
      const found = envelope.signatures.some((one) => keys.some((key, at) => isGood(key, at, one)));
      if (found) return {};
      const isNamed = envelope.signatures.some(({ keyId }) => ids.includes(keyId));
      const why =
        "dsse: verify envelope failed: accepted signatures do not match threshold, Found: 0, Expected 1";
      return { failure: { kind: isNamed ? "altered" : "unknown-key", why } };
    },
  };
}

/** Ed25519 hashes by itself. */
function hashFor(key: KeyObject): "sha256" | null {
  return key.asymmetricKeyType === "ed25519" ? null : "sha256";
}
