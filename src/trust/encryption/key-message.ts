import {
  constants,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
} from "node:crypto";
import { Fault } from "../../base/fault.ts";
import { DER_OCTET_STRING, readOnly, writeDer } from "../../format/der/der.ts";
import { parsePem, renderPem } from "../../format/pem/pem.ts";

/*
 * The key of an encrypted partition for whoever has an RSA key (sif.md section 11): a PEM block
 * "MESSAGE" around a DER OCTET STRING around RSA-OAEP (SHA-256) ciphertexts, one after another.
 */

const LABEL = "MESSAGE";
/** What OAEP with SHA-256 takes of each ciphertext. */
const OVERHEAD_BYTES = 66;
const OAEP = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha256" } as const;

/** Wraps a key for the owner of an RSA key. */
export function wrapKey(secret: Uint8Array, key: KeyObject): string {
  const size = modulusBytes(key) - OVERHEAD_BYTES;
  if (size <= 0) throw new Fault("usage", "the RSA key is too short to encrypt with");
  const parts: Uint8Array[] = [];
  for (let at = 0; at < secret.length; at += size) {
    parts.push(publicEncrypt({ key, ...OAEP }, secret.subarray(at, at + size)));
  }
  return renderPem(LABEL, writeDer(DER_OCTET_STRING, ...parts));
}

/** The key in a message. Throws a Fault: `invalid` for no message, `denied` for the wrong RSA key. */
export function unwrapKey(message: string, key: KeyObject): Uint8Array {
  const block = parsePem(message).find(({ label }) => label === LABEL);
  if (block === undefined) throw new Fault("invalid", "the message with the key is broken");
  const { content } = readOnly(block.bytes, DER_OCTET_STRING);
  const size = modulusBytes(key);
  const parts: Uint8Array[] = [];
  try {
    for (let at = 0; at < content.length; at += size) {
      parts.push(privateDecrypt({ key, ...OAEP }, content.subarray(at, at + size)));
    }
  } catch (cause) {
    throw new Fault("denied", "the RSA key is not the one that the image was encrypted for", {
      cause,
    });
  }
  return Buffer.concat(parts);
}

/** An RSA key for encrypting: public, or the public half of a private one. Throws a Fault whose message is the reason. */
export function loadEncryptionKey(pem: string): KeyObject {
  return rsa("public", () => createPublicKey(pem), pem, /PUBLIC KEY$/);
}

/** An RSA key for decrypting. */
export function loadDecryptionKey(pem: string): KeyObject {
  return rsa("private", () => createPrivateKey(pem), pem, /PRIVATE KEY$/);
}

function rsa(kind: string, load: () => KeyObject, pem: string, label: RegExp): KeyObject {
  const block = parsePem(pem).find((one) => label.test(one.label));
  const refuse = (why: string, cause?: unknown): Fault =>
    new Fault("invalid", `Invalid encryption ${kind} key: ${why}`, {
      cause,
      hint: `give an RSA ${kind} key in PEM that no passphrase protects`,
    });
  if (block === undefined) throw refuse(`there is no ${kind} key in it`);
  if (block.hasHeaders || block.label.startsWith("ENCRYPTED")) throw refuse("it is encrypted");
  let key: KeyObject;
  try {
    key = load();
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (key.asymmetricKeyType === "rsa") return key;
  throw refuse(`it is of the kind ${key.asymmetricKeyType}`);
}

function modulusBytes(key: KeyObject): number {
  return Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8);
}
