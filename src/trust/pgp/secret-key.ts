import type { PrivateKey, SecretKeyPacket, SecretSubkeyPacket } from "openpgp";
import { Fault } from "../../base/fault.ts";
import { hasChecksumLock, openChecksumLocks } from "./checksum-lock.ts";
import { loadOpenPgp } from "./library.ts";

/** Who a new pair of keys is for. */
export interface KeyOwner {
  readonly name: string;
  readonly email: string;
  readonly comment: string;
}

/** Fewest bits of an RSA key that the peers take. */
const FEWEST_BITS = 1024;
/** More takes minutes to make and no peer reads it. */
const MOST_BITS = 16384;

/**
 * Makes an RSA key with a subkey for encryption, as the peer does (key-api.md section 5). An empty
 * passphrase leaves the secret key open. Throws a Fault `usage` for what a key cannot have.
 */
export async function makeKey(
  owner: KeyOwner,
  bits: number,
  passphrase: string,
): Promise<PrivateKey> {
  if (bits < FEWEST_BITS) {
    throw new Fault("usage", `openpgp: invalid argument: bits must be >= ${FEWEST_BITS}`);
  }
  if (bits > MOST_BITS) {
    throw new Fault("usage", `openpgp: invalid argument: bits must be <= ${MOST_BITS}`);
  }
  const { enums, generateKey } = await loadOpenPgp();
  const { name, email, comment } = owner;
  // The library takes mail addresses only where one belongs; a name it takes as it is.
  const isAddress = /^[^\p{C}\p{Z}@<>\\]+@[^\p{C}\p{Z}@<>\\]+[^\p{C}\p{Z}\p{P}]$/u.test(email);
  const words = [name, comment === "" ? "" : `(${comment})`, `<${email}>`];
  const user = { name: words.filter((word) => word !== "").join(" ") };
  try {
    const { privateKey } = await generateKey({
      type: "rsa",
      rsaBits: bits,
      userIDs: [isAddress ? { name, email, comment } : user],
      ...(passphrase === "" ? {} : { passphrase }),
      format: "object",
      config: { preferredHashAlgorithm: enums.hash.sha384 },
    });
    return privateKey;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("usage", `openpgp: invalid argument: ${why}`, { cause });
  }
}

/**
 * Whether a passphrase protects the key or one of its subkeys: the peers lock the primary key only.
 * A key of which only the public part is there, as of a smartcard, counts too.
 */
export function isLocked(key: PrivateKey): boolean {
  const packets = secretPackets(key);
  return packets.some(isClosed) || packets.every((packet) => packet.isDummy());
}

/** The key, open. Throws a Fault `denied` for a wrong passphrase. */
export async function unlockKey(key: PrivateKey, passphrase: string): Promise<PrivateKey> {
  if (!isLocked(key)) return key;
  const { readPrivateKey } = await loadOpenPgp();
  try {
    const bytes = key.write();
    const binaryKey = hasChecksumLock(bytes) ? openChecksumLocks(bytes, passphrase) : bytes;
    const open = await readPrivateKey({ binaryKey });
    for (const packet of secretPackets(open).filter(isClosed)) {
      await packet.decrypt(passphrase);
      await packet.validate();
    }
    return open;
  } catch (cause) {
    throw new Fault("denied", "openpgp: invalid data: private key checksum failure", {
      cause,
      hint: "the passphrase is not that of the key",
    });
  }
}

type SecretPacket = SecretKeyPacket | SecretSubkeyPacket;

function secretPackets(key: PrivateKey): readonly SecretPacket[] {
  return key
    .getKeys()
    .map(({ keyPacket }) => keyPacket)
    .filter((packet): packet is SecretPacket => "isDummy" in packet);
}

function isClosed(packet: SecretPacket): boolean {
  return !packet.isDummy() && !packet.isDecrypted();
}

/** The open key under a passphrase; an empty one leaves it open. */
export async function lockKey(key: PrivateKey, passphrase: string): Promise<PrivateKey> {
  if (passphrase === "") return key;
  const { encryptKey } = await loadOpenPgp();
  return await encryptKey({ privateKey: key, passphrase });
}
