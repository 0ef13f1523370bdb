import type { CleartextMessage, Key, KeyID } from "openpgp";
import type { ClearSignVerifier, SignatureCheck } from "../verify/key-material.ts";
import { fingerprintOf, primaryUserIdOf } from "./describe-key.ts";
import type { FindKeys, FoundKey } from "./find-keys.ts";
import { loadOpenPgp } from "./library.ts";

/** Checks clear-signed texts with the keys that `find` gives. `now` decides what has expired. */
export function clearSignVerifier(find: FindKeys, now: Date): ClearSignVerifier {
  return {
    verify: async (bytes) => {
      const { readCleartextMessage } = await loadOpenPgp();
      let message: CleartextMessage;
      try {
        message = await readCleartextMessage({ cleartextMessage: new TextDecoder().decode(bytes) });
      } catch {
        // Told to the caller, who knows which object it was.
        return undefined;
      }
      return { text: message.getText(), ...(await checkMessage(message, find, now)) };
    },
  };
}

async function checkMessage(
  message: CleartextMessage,
  find: FindKeys,
  now: Date,
): Promise<SignatureCheck> {
  const [keyId, ...more] = message.getSigningKeyIDs();
  if (keyId === undefined || more.length > 0) {
    return { failure: { kind: "altered", why: "openpgp: invalid signature: not one signature" } };
  }
  const found = await find(keyId.toHex());
  // Two keys may share an id: the one that made the signature counts.
  let best: SignatureCheck = {
    failure: { kind: "unknown-key", why: "openpgp: signature made by unknown entity" },
  };
  for (const one of found) {
    best = await checkWith(message, one, keyId, now);
    if (best.failure === undefined) break;
  }
  return best;
}

async function checkWith(
  message: CleartextMessage,
  { key, source }: FoundKey,
  keyId: KeyID,
  now: Date,
): Promise<SignatureCheck> {
  const signer = { name: await primaryUserIdOf(key, now), fingerprint: fingerprintOf(key), source };
  try {
    const [result] = await message.verify([key], now);
    await result?.verified;
    await key.getSigningKey(keyId, now);
    return { signer };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const failure = explain(text, key, keyId);
    // As the peer: an invalid signature says nothing about who made it.
    return failure.kind === "altered" ? { failure } : { signer, failure };
  }
}

function explain(text: string, key: Key, keyId: KeyID): NonNullable<SignatureCheck["failure"]> {
  if (/revoked/i.test(text)) {
    return { kind: "revoked", why: "openpgp: signature made by revoked key" };
  }
  if (/signature is expired/i.test(text) && !/key/i.test(text)) {
    return { kind: "expired", why: "openpgp: signature expired" };
  }
  if (/expired/i.test(text)) return { kind: "expired", why: "openpgp: key expired" };
  if (/did not match|verification failed|invalid signature|malformed/i.test(text)) {
    const [signing] = key.getKeys(keyId);
    const name = signing?.getAlgorithmInfo().algorithm ?? "";
    const kind = name.startsWith("rsa") ? "RSA" : name === "ecdsa" ? "ECDSA" : "EdDSA";
    return { kind: "altered", why: `openpgp: invalid signature: ${kind} verification failure` };
  }
  return { kind: "untrusted", why: `openpgp: ${text}` };
}
