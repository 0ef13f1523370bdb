import {
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  scryptSync,
} from "node:crypto";
import { fromBase64, toBase64 } from "../../base/base64.ts";
import { Fault } from "../../base/fault.ts";
import { renderPem } from "../../format/pem/pem.ts";

/*
 * A private key as cosign, podman and skopeo keep it: a PEM block "ENCRYPTED SIGSTORE PRIVATE KEY"
 * (before cosign 2 "ENCRYPTED COSIGN PRIVATE KEY") around JSON:
 *
 *   {"kdf":    {"name":"scrypt","params":{"N":65536,"r":8,"p":1},"salt":base64 of 32 bytes},
 *    "cipher": {"name":"nacl/secretbox","nonce":base64 of 24 bytes},
 *    "ciphertext": base64 of a PKCS#8 key under XSalsa20-Poly1305}
 */

const LABEL = "ENCRYPTED SIGSTORE PRIVATE KEY";
const COST = { N: 65536, r: 8, p: 1 };
const KEY_BYTES = 32;
const SALT_BYTES = 32;
const NONCE_BYTES = 24;
/** What a key file may ask for; the standard is a sixteenth of it. */
const MOST_MEMORY_BYTES = 1 << 30;

/** A new pair of ECDSA keys on P-256, as text: the private one under a password, the public one plain. */
export async function makeCosignPair(
  password: string,
): Promise<{ readonly privatePem: string; readonly publicPem: string }> {
  const { xsalsa20poly1305 } = await import("@noble/ciphers/salsa.js");
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const content = pair.privateKey.export({ type: "pkcs8", format: "der" });
  const salt = randomBytes(SALT_BYTES);
  const nonce = randomBytes(NONCE_BYTES);
  const sealed = xsalsa20poly1305(derive(password, salt, COST), nonce).encrypt(content);
  const text = JSON.stringify({
    kdf: { name: "scrypt", params: COST, salt: toBase64(salt) },
    cipher: { name: "nacl/secretbox", nonce: toBase64(nonce) },
    ciphertext: toBase64(sealed),
  });
  return {
    privatePem: renderPem(LABEL, new TextEncoder().encode(text)),
    publicPem: pair.publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

/** The key in the bytes of such a block. Throws a Fault: `denied` for the wrong password, `invalid` for bytes that are none. */
export async function openCosignKey(bytes: Uint8Array, password: string): Promise<KeyObject> {
  const { salt, nonce, sealed, cost } = readFile(bytes);
  const { xsalsa20poly1305 } = await import("@noble/ciphers/salsa.js");
  let content: Uint8Array;
  try {
    content = xsalsa20poly1305(derive(password, salt, cost), nonce).decrypt(sealed);
  } catch (cause) {
    throw new Fault("denied", "the password is not that of the key", { cause });
  }
  try {
    return createPrivateKey({ key: Buffer.from(content), format: "der", type: "pkcs8" });
  } catch (cause) {
    throw new Fault("invalid", "there is no key in the key file", { cause });
  }
}

function derive(password: string, salt: Uint8Array, cost: typeof COST): Uint8Array {
  return new Uint8Array(
    scryptSync(password, salt, KEY_BYTES, { ...cost, maxmem: 2 * memoryBytes(cost) }),
  );
}

function memoryBytes({ N, r, p }: typeof COST): number {
  return 128 * r * (N + p);
}

interface KeyFile {
  readonly salt: Uint8Array;
  readonly nonce: Uint8Array;
  readonly sealed: Uint8Array;
  readonly cost: typeof COST;
}

function readFile(bytes: Uint8Array): KeyFile {
  const broken = (): Fault => new Fault("invalid", "the key file is broken");
  let text: unknown;
  try {
    text = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new Fault("invalid", "the key file is broken", { cause });
  }
  const at = (...names: readonly string[]): unknown =>
    names.reduce<unknown>(
      (value, name) =>
        typeof value === "object" && value !== null
          ? (value as Readonly<Record<string, unknown>>)[name]
          : undefined,
      text,
    );
  const data = (...names: readonly string[]): Uint8Array => {
    const value = at(...names);
    const found = typeof value === "string" ? fromBase64(value) : undefined;
    if (found === undefined) throw broken();
    return found;
  };
  if (at("kdf", "name") !== "scrypt" || at("cipher", "name") !== "nacl/secretbox") throw broken();
  const [N, r, p] = ["N", "r", "p"].map((name) => at("kdf", "params", name));
  const isCount = (value: unknown): value is number =>
    Number.isSafeInteger(value) && Number(value) > 0;
  if (!isCount(N) || !isCount(r) || !isCount(p)) throw broken();
  const cost = { N, r, p };
  if (memoryBytes(cost) > MOST_MEMORY_BYTES || p > 16 || (N & (N - 1)) !== 0) throw broken();
  const nonce = data("cipher", "nonce");
  if (nonce.length !== NONCE_BYTES) throw broken();
  return { salt: data("kdf", "salt"), nonce, sealed: data("ciphertext"), cost };
}
