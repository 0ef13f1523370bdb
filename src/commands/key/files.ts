import { chmodSync, existsSync } from "node:fs";
import type { Key, PrivateKey, PublicKey } from "openpgp";
import { Fault } from "../../base/fault.ts";
import { dirName, resolvePath } from "../../base/path.ts";
import { replaceFile } from "../../config/replace-file.ts";
import { findByFingerprint, type KeyRings, readNamed } from "../../runtime/key-rings.ts";
import { askLine, askSecret } from "../../terminal/ask.ts";
import { fingerprintOf, listedKey } from "../../trust/pgp/describe-key.ts";
import { readKeyFile } from "../../trust/pgp/key-ring.ts";
import { isLocked, lockKey, unlockKey } from "../../trust/pgp/secret-key.ts";
import type { KeyCall } from "./call.ts";
import { askNewPassphrase } from "./newpair.ts";

const NEW_PASSWORD = "Enter a new password for this key : ";

/** `key import`: takes the keys of a file, armored or binary, into the rings; a secret key with its public half. */
export async function importKey(call: KeyCall): Promise<number> {
  const { inv, ctx } = call;
  const [path = ""] = inv.args;
  const keys = await readFile(resolvePath(call.cwd, path), path);
  // No failure with the peer, either: scripts go on.
  if (keys.length === 0) ctx.log.warning(`"${path}" is empty: no key was imported`);
  const isGlobal = inv.bool("global");
  if (isGlobal && keys.some((key) => key.isPrivate())) {
    throw new Fault("usage", "global keyring doesn't contain private keys");
  }
  for (const key of keys) {
    if (key.isPrivate()) {
      const isChanged = inv.bool("new-password");
      // Nothing secret of a key that is there already is taken.
      const isKnown = findByFingerprint(await call.rings.secretKeys(), fingerprintOf(key));
      const isAsked = isKnown === undefined && isLocked(key);
      const open = isAsked ? await opened(key, ctx, isChanged) : key;
      const own =
        isChanged && isKnown === undefined
          ? await lockKey(open, askNewPassphrase(ctx, NEW_PASSWORD))
          : key;
      await add(call, "secret", own, "private");
      await add(call, "public", key.toPublic(), "public", true);
    } else {
      await add(call, isGlobal ? "global" : "public", key.toPublic(), "public");
      if (!isGlobal) await updateSecret(call.rings, key.toPublic());
    }
  }
  return 0;
}

/** Lets a secret key that is there know what its public half has learnt: that it was revoked, or prolonged. */
export async function updateSecret(rings: KeyRings, key: PublicKey): Promise<void> {
  const fingerprint = fingerprintOf(key);
  if (findByFingerprint(await rings.secretKeys(), fingerprint) === undefined) return;
  await rings.change<PrivateKey>(
    "secret",
    async (all) =>
      await Promise.all(
        all.map((one) => (fingerprintOf(one) === fingerprint ? one.update(key) : one)),
      ),
  );
}

async function readFile(path: string, name: string): Promise<readonly Key[]> {
  try {
    const bytes = readNamed(path);
    const keys = bytes.length === 0 ? [] : await readKeyFile(bytes);
    if (keys.length > 0 || bytes.length === 0) return keys;
    throw new Fault("invalid", "openpgp: invalid argument: no armored data found");
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const why = error.message.replace(path, name);
    throw new Fault(error.code, `unable to get entity from: ${name}: ${why}`, { cause: error });
  }
}

async function add(
  { ctx, rings }: KeyCall,
  ring: "public" | "secret" | "global",
  key: Key,
  kind: string,
  mayBeThere: boolean = false,
): Promise<void> {
  const fingerprint = fingerprintOf(key);
  let done = "added to";
  await rings.change<Key>(ring, async (keys) => {
    const known = findByFingerprint(keys, fingerprint);
    if (known === undefined) return [...keys, key];
    // A key that was revoked, prolonged or given a subkey since is the same key.
    const merged = await known.update(key);
    done = Buffer.compare(merged.write(), known.write()) === 0 ? "" : "updated in";
    return keys.map((one) => (one === known ? merged : one));
  });
  const shown = fingerprint.toUpperCase();
  if (done !== "") {
    ctx.print(`Key with fingerprint ${shown} successfully ${done} the ${kind} keyring\n`);
  } else if (!mayBeThere) {
    throw new Fault("exists", `the key with fingerprint ${shown} already belongs to the keyring`);
  }
}

/** The key, open by the passphrase that is asked for; as it is where nobody answers. Throws a Fault for a wrong one. */
async function opened(
  key: PrivateKey,
  ctx: KeyCall["ctx"],
  isNeeded: boolean,
): Promise<PrivateKey> {
  const passphrase = askSecret("Enter your key password : ", ctx.printError);
  if (passphrase === undefined && !isNeeded) return key;
  return await unlockKey(key, passphrase ?? "");
}

/** `key export`: writes a key to a new file. */
export async function exportKey(call: KeyCall): Promise<number> {
  const { inv, ctx, rings } = call;
  const [path = ""] = inv.args;
  const target = resolvePath(call.cwd, path);
  if (!existsSync(dirName(target))) {
    throw new Fault("not-found", `unable to create file: open ${path}: no such file or directory`);
  }
  const isSecret = inv.bool("secret");
  const kind = isSecret ? "private" : "public";
  const keys = isSecret
    ? await rings.secretKeys()
    : await rings.publicKeys(inv.bool("global") ? "global" : "local");
  const chosen = choose(keys, kind, ctx);
  // A secret key leaves the ring only with its passphrase; it stays protected by it in the file.
  if (isSecret && chosen.isPrivate() && isLocked(chosen)) {
    await unlockKey(chosen, askPassphrase(ctx));
  }
  const content = inv.bool("armor") ? `${chosen.armor().trimEnd()}\n` : chosen.write();
  if (isSecret && existsSync(target)) closeToOthers(target, path);
  replaceFile(target, content, isSecret ? 0o600 : 0o644);
  const fingerprint = fingerprintOf(chosen).toUpperCase();
  const title = isSecret ? "Private" : "Public";
  ctx.print(`${title} key with fingerprint ${fingerprint} correctly exported to file: ${path}\n`);
  return 0;
}

/** A file that others may read is not replaced by a secret key that they may read. */
function closeToOthers(target: string, name: string): void {
  try {
    chmodSync(target, 0o600);
  } catch (cause) {
    const why = "operation not permitted";
    throw new Fault("denied", `unable to create file: open ${name}: ${why}`, { cause });
  }
}

function choose(keys: readonly Key[], kind: string, ctx: KeyCall["ctx"]): Key {
  const [first, ...more] = keys;
  if (first === undefined) throw new Fault("not-found", "keyring is empty");
  for (const [at, key] of keys.entries()) ctx.print(listedKey(at, key));
  const said = askLine(`Enter # of ${kind} key to use : `, ctx.print);
  // Nobody to ask, as in a script, and nothing to choose from.
  if (said === undefined && more.length === 0) return first;
  const answer = said?.trim() ?? "";
  const chosen = /^\d+$/.test(answer) ? keys[Number(answer)] : undefined;
  if (chosen === undefined) throw new Fault("usage", "invalid choice");
  return chosen;
}

function askPassphrase(ctx: KeyCall["ctx"]): string {
  return askSecret("Enter key passphrase : ", ctx.printError) ?? "";
}
