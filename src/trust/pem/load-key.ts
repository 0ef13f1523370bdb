import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { Fault } from "../../base/fault.ts";
import { parsePem } from "../../format/pem/pem.ts";

/** Whether a PEM block with this label is a key of cosign. */
function isCosignLabel(label: string): boolean {
  return /^ENCRYPTED (COSIGN|SIGSTORE) PRIVATE KEY$/.test(label);
}

const TYPES = ["rsa", "ec", "ed25519"];

/** A public key in PEM text (SubjectPublicKeyInfo, or PKCS#1). Throws a Fault whose message is the reason. */
export function loadPublicKey(text: string): KeyObject {
  if (!parsePem(text).some(({ label }) => /^(RSA )?PUBLIC KEY$/.test(label))) {
    throw new Fault("invalid", "PEM decoding failed: there is no public key in it");
  }
  return known(() => createPublicKey(text));
}

/**
 * A private key in PEM text (PKCS#8, PKCS#1, SEC 1, or as cosign keeps it). `askPassphrase` is called for one that is
 * encrypted. Throws a Fault whose message is the reason.
 */
export async function loadPrivateKey(
  text: string,
  askPassphrase: () => string,
): Promise<KeyObject> {
  const block = parsePem(text).find(({ label }) => label.endsWith("PRIVATE KEY"));
  if (block === undefined) {
    throw new Fault("invalid", "PEM decoding failed: there is no private key in it");
  }
  if (isCosignLabel(block.label)) {
    const { openCosignKey } = await import("../cosign/key-file.ts");
    return await openCosignKey(block.bytes, askPassphrase());
  }
  const isEncrypted = block.hasHeaders || block.label === "ENCRYPTED PRIVATE KEY";
  const passphrase = isEncrypted ? askPassphrase() : "";
  return known(() => createPrivateKey(isEncrypted ? { key: text, passphrase } : text));
}

function known(load: () => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = load();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("invalid", `the key cannot be read: ${why}`, { cause });
  }
  if (TYPES.includes(key.asymmetricKeyType ?? "")) return key;
  throw new Fault("unsupported", `keys of the kind ${key.asymmetricKeyType} are not supported`, {
    hint: "use an RSA, ECDSA or Ed25519 key",
  });
}
