import { fromBase64 } from "../../base/base64.ts";
import { Fault } from "../../base/fault.ts";

/*
 * A directory encrypted by gocryptfs, as encrypted images hold it (sif.md section 11):
 *
 *   gocryptfs.conf   JSON: the master key under a key that scrypt makes of the passphrase
 *   squashfs-NNN     u16 version 2 (big-endian) · file id (16) · blocks
 *
 *   block            nonce (16) · up to 4096 bytes, encrypted · tag (16)
 *                    additional data: u64 block number (big-endian) · file id
 */

export const CONF_NAME: string = "gocryptfs.conf";
export const FILE_HEADER_BYTES: number = 18;
export const BLOCK_BYTES: number = 4096;
export const NONCE_BYTES: number = 16;
export const TAG_BYTES: number = 16;

export interface GocryptfsConf {
  /** Nonce, encrypted master key, tag. */
  readonly encryptedKey: Uint8Array<ArrayBuffer>;
  readonly salt: Uint8Array<ArrayBuffer>;
  /** Cost parameters of scrypt. */
  readonly n: number;
  readonly r: number;
  readonly p: number;
  readonly keyBytes: number;
}

/** What a directory may use besides what is always there. */
const FLAGS = ["GCMIV128", "HKDF", "PlaintextNames", "DirIV", "EMENames", "LongNames", "Raw64"];
/** More takes over 2 GiB of memory: nobody makes that for an image. */
const MOST_N = 2 ** 20;

/** Reads a gocryptfs.conf. Throws a Fault: `invalid` when it is broken, `unsupported` for other ways to encrypt. */
export function parseGocryptfsConf(text: string): GocryptfsConf {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw new Fault("invalid", "its gocryptfs.conf is no JSON", { cause });
  }
  const { EncryptedKey, ScryptObject, Version, FeatureFlags } = tableOf(document);
  const { Salt, N, R, P, KeyLen } = tableOf(ScryptObject);
  const flags = Array.isArray(FeatureFlags) ? FeatureFlags.map(String) : [];
  const strange = flags.find((flag) => !FLAGS.includes(flag));
  if (Version !== 2 || strange !== undefined || !flags.includes("HKDF")) {
    throw new Fault(
      "unsupported",
      `it is encrypted in a way that is not known (${strange ?? "old"})`,
    );
  }
  const encryptedKey = fromBase64(String(EncryptedKey));
  const salt = fromBase64(String(Salt));
  const [n, r, p, keyBytes] = [N, R, P, KeyLen].map(Number);
  const isSane =
    encryptedKey !== undefined && salt !== undefined && isWithin(n, MOST_N) && isWithin(r, 32);
  if (!isSane || !isWithin(p, 16) || !isWithin(keyBytes, 64)) {
    throw new Fault("invalid", "its gocryptfs.conf is broken");
  }
  return { encryptedKey, salt, n, r, p, keyBytes };
}

/** Bytes of the file in clear. */
export function clearBytes(cipherBytes: number): number {
  if (cipherBytes <= FILE_HEADER_BYTES) return 0;
  const body = cipherBytes - FILE_HEADER_BYTES;
  const overhead = NONCE_BYTES + TAG_BYTES;
  return body - Math.ceil(body / (BLOCK_BYTES + overhead)) * overhead;
}

function isWithin(value: number | undefined, most: number): value is number {
  return value !== undefined && Number.isInteger(value) && value > 0 && value <= most;
}

function tableOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
