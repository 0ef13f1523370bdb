import { createDecipheriv, hkdfSync, scryptSync } from "node:crypto";
import { type ByteSource, checkRange } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import {
  BLOCK_BYTES,
  clearBytes,
  FILE_HEADER_BYTES,
  type GocryptfsConf,
  NONCE_BYTES,
  TAG_BYTES,
} from "../../format/gocryptfs/conf.ts";

const KEY_INFO = "AES-GCM file content encryption";
const CIPHER_BLOCK_BYTES = NONCE_BYTES + BLOCK_BYTES + TAG_BYTES;
const NO_FILE = new Uint8Array(0);

/** The master key of an encrypted directory. Throws a Fault `denied` for a wrong passphrase. */
export function openMasterKey(conf: GocryptfsConf, passphrase: string): Uint8Array {
  const { salt, n, r, p, keyBytes, encryptedKey } = conf;
  const options = { N: n, r, p, maxmem: 256 * n * r };
  const hashed = scryptSync(passphrase, salt, keyBytes, options);
  const master = openBlock(contentKey(hashed), encryptedKey, 0, NO_FILE);
  if (master !== undefined) return master;
  throw new Fault("denied", "the passphrase or key is not that of the image");
}

/**
 * An encrypted file in clear, block by block as it is read; nothing of it is kept but the latest
 * block. Every block is checked by its tag: a Fault `invalid` says that it was altered.
 */
export function clearSource(encrypted: ByteSource, masterKey: Uint8Array): ByteSource {
  const key = contentKey(masterKey);
  const sizeBytes = clearBytes(encrypted.sizeBytes);
  const fileId =
    sizeBytes === 0 ? NO_FILE : encrypted.read(0, FILE_HEADER_BYTES).slice(2, FILE_HEADER_BYTES);
  let latest = { index: -1, bytes: new Uint8Array(0) };
  const blockAt = (index: number): Uint8Array => {
    if (latest.index === index) return latest.bytes;
    const start = FILE_HEADER_BYTES + index * CIPHER_BLOCK_BYTES;
    const length = Math.min(CIPHER_BLOCK_BYTES, encrypted.sizeBytes - start);
    const bytes = openBlock(key, encrypted.read(start, length), index, fileId);
    if (bytes === undefined) {
      throw new Fault("invalid", `the encrypted block ${index} was altered or is damaged`);
    }
    latest = { index, bytes };
    return bytes;
  };
  return {
    sizeBytes,
    read(offset, length) {
      checkRange(offset, length, sizeBytes);
      const out = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const at = offset + done;
        const index = Math.floor(at / BLOCK_BYTES);
        const piece = blockAt(index)
          .subarray(at - index * BLOCK_BYTES)
          .subarray(0, length - done);
        out.set(piece, done);
        done += piece.length;
      }
      return out;
    },
  };
}

function contentKey(from: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", from, new Uint8Array(0), KEY_INFO, 32));
}

/** A block in clear; undefined when its tag does not fit. A block of zeros is a hole. */
function openBlock(
  key: Uint8Array,
  block: Uint8Array,
  index: number,
  fileId: Uint8Array,
): Uint8Array<ArrayBuffer> | undefined {
  const end = block.length - TAG_BYTES;
  if (end < NONCE_BYTES) return undefined;
  if (block.every((byte) => byte === 0)) return new Uint8Array(end - NONCE_BYTES);
  const about = new Uint8Array(8 + fileId.length);
  new DataView(about.buffer).setBigUint64(0, BigInt(index));
  about.set(fileId, 8);
  const cipher = createDecipheriv("aes-256-gcm", key, block.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  cipher.setAAD(about);
  cipher.setAuthTag(block.subarray(end));
  try {
    const clear = cipher.update(block.subarray(NONCE_BYTES, end));
    cipher.final();
    return new Uint8Array(clear);
  } catch {
    // The tag does not fit: told to the caller, who knows what that means.
    return undefined;
  }
}
