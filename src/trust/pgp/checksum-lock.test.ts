import { expect, test } from "bun:test";
import { createCipheriv, createHash } from "node:crypto";
import type { PrivateKey } from "openpgp";
import { joinBytes } from "../../base/join-bytes.ts";
import { hasChecksumLock } from "./checksum-lock.ts";
import { loadOpenPgp } from "./library.ts";
import { isLocked, makeKey, unlockKey } from "./secret-key.ts";

const OWNER = { name: "A", email: "a@example.org", comment: "" };
const SALT = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
const IV = new Uint8Array(16).fill(9);

/** The bytes of an open key with its primary part locked as old releases of the peers did: AES-128, SHA-1, a sum. */
function lockedBySum(key: PrivateKey, passphrase: string): Uint8Array {
  const bytes = key.write();
  // A packet of 192 to 8383 bytes has a header of three.
  const length = (((bytes[1] ?? 0) - 192) << 8) + (bytes[2] ?? 0) + 192;
  const body = bytes.subarray(3, 3 + length);
  const front = key.toPublic().keyPacket.write().length;
  const salted = joinBytes([SALT, new TextEncoder().encode(passphrase)]);
  const text = joinBytes(Array.from({ length: 65536 }, () => salted)).subarray(0, 65536);
  const secret = createHash("sha1").update(text).digest().subarray(0, 16);
  const cipher = createCipheriv("aes-128-cfb", secret, IV);
  const locked = joinBytes([
    body.subarray(0, front),
    Uint8Array.of(255, 7, 3, 2, ...SALT, 0x60),
    IV,
    cipher.update(body.subarray(front + 1)),
    cipher.final(),
  ]);
  const header = new Uint8Array([0xc5, 255, 0, 0, locked.length >> 8, locked.length & 255]);
  return joinBytes([header, locked, bytes.subarray(3 + length)]);
}

test("a key locked with a sum of two bytes opens with its passphrase only, and signs", async () => {
  const { createMessage, readKey, readPrivateKey, sign, verify, readMessage } = await loadOpenPgp();
  const made = await makeKey(OWNER, 1024, "");
  expect(hasChecksumLock(made.write())).toBe(false);
  const bytes = lockedBySum(made, "secret");
  expect(hasChecksumLock(bytes)).toBe(true);
  const key = await readPrivateKey({ binaryKey: bytes });
  expect(isLocked(key)).toBe(true);
  expect(unlockKey(key, "other")).rejects.toThrow("private key checksum failure");
  const open = await unlockKey(key, "secret");
  const message = await createMessage({ text: "words" });
  const signed = await sign({ message, signingKeys: open });
  const verificationKeys = await readKey({ binaryKey: made.toPublic().write() });
  const found = await verify({
    message: await readMessage({ armoredMessage: signed }),
    verificationKeys,
  });
  expect(await found.signatures[0]?.verified).toBe(true);
});
