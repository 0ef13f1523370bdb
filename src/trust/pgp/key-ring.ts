import type { Key, PrivateKey } from "openpgp";
import { Fault } from "../../base/fault.ts";
import { checkOwnSignatures } from "./check-own-signatures.ts";
import { loadOpenPgp } from "./library.ts";

/*
 * A key ring is a file of OpenPGP packets, key after key, without armor: the peers' pgp-public,
 * pgp-secret and global-pgp-public (key-api.md section 5).
 */

/** Keys of a ring's bytes, in order; `path` names it in faults. Throws a Fault for bytes that are no keys. */
export async function readPublicRing(bytes: Uint8Array, path: string): Promise<readonly Key[]> {
  if (bytes.length === 0) return [];
  const { readKeys } = await loadOpenPgp();
  try {
    return (await readKeys({ binaryKeys: bytes })).map((key) => key.toPublic());
  } catch (cause) {
    throw broken(path, cause);
  }
}

/** The same of secret keys. */
export async function readSecretRing(
  bytes: Uint8Array,
  path: string,
): Promise<readonly PrivateKey[]> {
  if (bytes.length === 0) return [];
  const { readPrivateKeys } = await loadOpenPgp();
  try {
    return await readPrivateKeys({ binaryKeys: bytes });
  } catch (cause) {
    throw broken(path, cause);
  }
}

/** Bytes of a ring with these keys. */
export function writeRing(keys: readonly Key[]): Uint8Array<ArrayBuffer> {
  const parts = keys.map((key) => key.write());
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Keys in a file of either form, armored or binary, public or secret. Throws a Fault whose message is the reason. */
export async function readKeyFile(bytes: Uint8Array): Promise<readonly Key[]> {
  const { readKeys } = await loadOpenPgp();
  const text = new TextDecoder().decode(bytes);
  const isArmored = text.includes("-----BEGIN PGP");
  // Every packet begins with the highest bit set: what does not was meant to be text.
  if (!isArmored && (bytes[0] ?? 0) < 0x80) {
    throw new Fault("invalid", "openpgp: invalid argument: no armored data found");
  }
  try {
    const blocks = isArmored ? armorBlocks(text) : [];
    const read = isArmored
      ? await Promise.all(blocks.map((armoredKeys) => readKeys({ armoredKeys })))
      : [await readKeys({ binaryKeys: bytes })];
    for (const key of read.flat()) await checkOwnSignatures(key);
    return read.flat();
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("invalid", `openpgp: invalid data: ${why}`, { cause });
  }
}

/** gpg writes public and secret keys into one file as blocks of their own. */
function armorBlocks(text: string): readonly string[] {
  return text.match(/-----BEGIN PGP [\s\S]*?-----END PGP [A-Z ]+-----/g) ?? [];
}

function broken(path: string, cause: unknown): Fault {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new Fault("invalid", `Cannot read the key ring "${path}": ${why}`, {
    cause,
    hint: "move the file away, and import the keys again",
  });
}
