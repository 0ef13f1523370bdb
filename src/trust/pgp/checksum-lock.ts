import { createCipheriv, createHash } from "node:crypto";
import { joinBytes } from "../../base/join-bytes.ts";

/*
 * Secret keys that old releases of the peers locked: with a sum of two bytes (RFC 4880 section 5.5.3,
 * usage 255), which the library reads but does not unlock.
 *
 *   packet = public fields · usage 255 · cipher · string-to-key · IV · ciphertext
 *   ciphertext = CFB(key of the passphrase, numbers · sum of their bytes mod 65536)
 *
 * Unlocked, the same packet is: public fields · usage 0 · numbers · sum.
 */

const SECRET_KEY = 5;
const SECRET_SUBKEY = 7;
const CHECKSUM = 255;
/** Numbers in the public fields, by algorithm: RSA, ElGamal, DSA. */
const PUBLIC_NUMBERS: Readonly<Record<number, number>> = { 1: 2, 2: 2, 3: 2, 16: 3, 17: 4 };
/** Key bytes of AES by its number; the block has 16. */
const AES: Readonly<Record<number, 16 | 24 | 32>> = { 7: 16, 8: 24, 9: 32 };
const BLOCK = 16;
const HASHES: Readonly<Record<number, string>> = {
  1: "md5",
  2: "sha1",
  3: "ripemd160",
  8: "sha256",
  9: "sha384",
  10: "sha512",
  11: "sha224",
};

/**
 * A key's packets with those that are locked by a sum of two bytes open, the others as they are.
 * Throws an Error for a wrong passphrase and for ciphers other than AES.
 */
export function openChecksumLocks(key: Uint8Array, passphrase: string): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { tag, body } of packetsOf(key)) {
    const isSecret = tag === SECRET_KEY || tag === SECRET_SUBKEY;
    const open = isSecret ? openPacket(body, passphrase) : body;
    parts.push(headerOf(tag, open.length), open);
  }
  return joinBytes(parts);
}

/** Whether a packet of the key is locked so. */
export function hasChecksumLock(key: Uint8Array): boolean {
  return packetsOf(key).some(({ tag, body }) => {
    const isSecret = tag === SECRET_KEY || tag === SECRET_SUBKEY;
    return isSecret && body[publicLength(body)] === CHECKSUM;
  });
}

function openPacket(body: Uint8Array, passphrase: string): Uint8Array {
  const front = publicLength(body);
  if (body[front] !== CHECKSUM) return body;
  const keyBytes = AES[body[front + 1] ?? 0];
  if (keyBytes === undefined) throw new Error("the cipher of the key is not known");
  const { key, length } = keyOf(body.subarray(front + 2), passphrase, keyBytes);
  const ivAt = front + 2 + length;
  const iv = body.subarray(ivAt, ivAt + BLOCK);
  const clear = cfbDecrypt(key, iv, body.subarray(ivAt + BLOCK));
  const numbers = clear.subarray(0, -2);
  const sum = numbers.reduce((total, byte) => (total + byte) & 0xffff, 0);
  const [high = 0, low = 0] = clear.subarray(-2);
  if (clear.length < 2 || sum !== high * 256 + low) throw new Error("the sum is wrong");
  return joinBytes([body.subarray(0, front), Uint8Array.of(0), clear]);
}

/** Length of the fields that everybody may know; 0 for a form of key that is not locked so. */
function publicLength(body: Uint8Array): number {
  const count = body[0] === 4 ? PUBLIC_NUMBERS[body[5] ?? 0] : undefined;
  if (count === undefined) return body.length;
  let at = 6;
  for (let i = 0; i < count; i++)
    at += 2 + Math.ceil(((body[at] ?? 0) * 256 + (body[at + 1] ?? 0)) / 8);
  return at;
}

/** The key that a string-to-key field (RFC 4880 section 3.7) makes of a passphrase, and the field's length. */
function keyOf(
  field: Uint8Array,
  passphrase: string,
  keyBytes: number,
): { readonly key: Uint8Array; readonly length: number } {
  const [kind = 0, hashCode = 0] = field;
  const hash = HASHES[hashCode];
  const length = { 0: 2, 1: 10, 3: 11 }[kind];
  if (hash === undefined || length === undefined)
    throw new Error("the key derivation is not known");
  const salt = kind === 0 ? new Uint8Array(0) : field.subarray(2, 10);
  const salted = joinBytes([salt, new TextEncoder().encode(passphrase)]);
  const coded = field[10] ?? 0;
  const count = kind === 3 ? (16 + (coded & 15)) << ((coded >> 4) + 6) : 0;
  const wanted = Math.max(count, salted.length);
  const out: Uint8Array[] = [];
  for (let zeros = 0, made = 0; made < keyBytes; zeros++) {
    const sum = createHash(hash).update(new Uint8Array(zeros));
    for (let left = wanted; left > 0; left -= salted.length) {
      sum.update(salted.subarray(0, Math.min(left, salted.length)));
    }
    const piece = sum.digest();
    made += piece.length;
    out.push(piece);
  }
  return { key: joinBytes(out).subarray(0, keyBytes), length };
}

/** CFB over whole blocks of AES, which the platform lacks for 192 bits. */
function cfbDecrypt(key: Uint8Array, iv: Uint8Array, text: Uint8Array): Uint8Array {
  const aes = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
  const out = new Uint8Array(text.length);
  let before = iv;
  for (let at = 0; at < text.length; at += BLOCK) {
    const stream = aes.update(before);
    const block = text.subarray(at, at + BLOCK);
    for (const [i, byte] of block.entries()) out[at + i] = byte ^ (stream[i] ?? 0);
    before = block;
  }
  return out;
}

interface Packet {
  readonly tag: number;
  readonly body: Uint8Array;
}

/** Packets with headers of the new form and whole lengths, as the library writes them. */
function packetsOf(bytes: Uint8Array): readonly Packet[] {
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = (bytes[at] ?? 0) & 0x3f;
    const [first = 0, second = 0] = bytes.subarray(at + 1);
    const view = new DataView(bytes.buffer, bytes.byteOffset + at);
    const [length, head] =
      first < 192
        ? [first, 2]
        : first < 224
          ? [((first - 192) << 8) + second + 192, 3]
          : [view.getUint32(2), 6];
    packets.push({ tag, body: bytes.subarray(at + head, at + head + length) });
    at += head + length;
  }
  return packets;
}

function headerOf(tag: number, length: number): Uint8Array {
  const header = new Uint8Array(6);
  header[0] = 0xc0 | tag;
  header[1] = 255;
  new DataView(header.buffer).setUint32(2, length);
  return header;
}
