import { expect, test } from "bun:test";
import type { PrivateKey, SecretKeyPacket } from "openpgp";
import { Fault } from "../../base/fault.ts";
import { loadOpenPgp } from "./library.ts";
import { isLocked, lockKey, makeKey, unlockKey } from "./secret-key.ts";

const OWNER = { name: "A", email: "a@example.org", comment: "" };

test("a key of which only the primary part is locked, as the peers make it, is locked", async () => {
  const made = await makeKey(OWNER, 1024, "");
  expect(isLocked(made)).toBe(false);
  await (made.keyPacket as SecretKeyPacket).encrypt("secret");
  const { readPrivateKey } = await loadOpenPgp();
  const key = await readPrivateKey({ binaryKey: made.write() });
  expect(key.subkeys[0]?.isDecrypted()).toBe(true);
  expect(isLocked(key)).toBe(true);
  expect(unlockKey(key, "other")).rejects.toThrow(Fault);
  const open = await unlockKey(key, "secret");
  expect(isLocked(open)).toBe(false);
  expect(open.keyPacket.isDecrypted()).toBe(true);
  const again: PrivateKey = await lockKey(open, "new");
  expect(isLocked(again)).toBe(true);
  expect(isLocked(await unlockKey(again, "new"))).toBe(false);
});
