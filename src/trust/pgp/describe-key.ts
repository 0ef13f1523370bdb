import type { Key } from "openpgp";

/** User id of a key as it is signed: `Name (comment) <address>`; the first when there are several. */
export function userIdOf(key: Key): string {
  return key.users.find((user) => user.userID !== null)?.userID?.userID ?? "";
}

/** The one that the key says is its main one; where it says nothing that holds, the first. */
export async function primaryUserIdOf(key: Key, now: Date): Promise<string> {
  try {
    const { user } = await key.getPrimaryUser(now);
    return user.userID?.userID ?? userIdOf(key);
  } catch {
    // Of a key that has ended none holds any more.
    return userIdOf(key);
  }
}

/** A user id with the parentheses always there, as the peer lists keys. */
function listedUserId(id: string): string {
  // Not the library's reading, which knows no address but a well-formed one.
  const email = /<([^<>]*)>\s*$/.exec(id)?.[1] ?? "";
  const named = id.replace(/\s*<[^<>]*>\s*$/, "");
  const comment = /\(([^()]*)\)$/.exec(named)?.[1] ?? "";
  const name = named.replace(/\s*\([^()]*\)$/, "");
  return `${name} (${comment}) <${email}>`;
}

/** Fingerprint of the primary key in lower case. */
export function fingerprintOf(key: Key): string {
  return key.getFingerprint().toLowerCase();
}

/** Length of the public key in bits, as the peer counts: of an elliptic curve's point with its prefix. */
export function keyBits(key: Key): number {
  const { bits } = key.getAlgorithmInfo();
  if (bits !== undefined) return bits;
  const point = (key.keyPacket as { publicParams?: { Q?: Uint8Array; A?: Uint8Array } })
    .publicParams;
  if (point?.Q === undefined) return (point?.A?.length ?? 0) * 8;
  const first = point.Q[0] ?? 0;
  return first === 0 ? 0 : (point.Q.length - 1) * 8 + 32 - Math.clz32(first);
}

/** Time of creation: `2026-11-22 20:39:24 +0000 UTC`. */
export function createdText(key: Key): string {
  return `${key.getCreationTime().toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;
}

/** A key of a list, as the peer shows it, with an empty line at its end. */
export function listedKey(index: number, key: Key): string {
  const fingerprint = fingerprintOf(key).toUpperCase();
  const [first = "", ...more] = key.getUserIDs();
  return [
    `${index})  User:              ${listedUserId(first)}`,
    ...more.map((id) => `    User:              ${listedUserId(id)}`),
    `    Creation time:     ${createdText(key)}`,
    `    Fingerprint:       ${fingerprint}`,
    `    Length (in bits):  ${keyBits(key)}`,
    "\n",
  ].join("\n");
}

/** A key to choose from, as the peer asks which one signs. */
export function offeredKey(index: number, key: Key): string {
  const ids = key.getUserIDs();
  return [
    ...(ids.length === 0 ? [""] : ids).map((id) => `${index}) U: ${listedUserId(id)}`),
    `   C: ${createdText(key)}`,
    `   F: ${fingerprintOf(key).toUpperCase()}`,
    `   L: ${keyBits(key)}`,
    "   --------\n",
  ].join("\n");
}
