import { Fault } from "../../base/fault.ts";
import { dirName } from "../../base/path.ts";
import { findByFingerprint } from "../../runtime/key-rings.ts";
import { fingerprintOf, listedKey } from "../../trust/pgp/describe-key.ts";
import type { KeyCall } from "./call.ts";

const NO_KEY = "no key matching given fingerprint found";

/** `key list` and `key remove`. */
export async function listOrRemove(verb: string, call: KeyCall): Promise<number> {
  return verb === "list" ? await list(call) : await remove(call);
}

async function list({ inv, ctx, rings }: KeyCall): Promise<number> {
  const isSecret = inv.bool("secret");
  const isGlobal = inv.bool("global");
  if (isSecret && isGlobal) {
    // Scripts find the heading before they look at the status.
    ctx.print(`Private key listing (${dirName(rings.globalPath)}/pgp-secret):\n\n`);
    const why = "could not list private keys: global keyring doesn't contain private keys";
    throw new Fault("usage", `While listing keys: ${why}`, { exitCode: 255 });
  }
  // Scripts of the peers have the rings made by listing them.
  if (!isGlobal && ctx.program !== "skiff") rings.make();
  const path = isSecret ? rings.secretPath : isGlobal ? rings.globalPath : rings.publicPath;
  const keys = isSecret
    ? await rings.secretKeys()
    : await rings.publicKeys(isGlobal ? "global" : "local");
  ctx.print(`${isSecret ? "Private" : "Public"} key listing (${path}):\n\n`);
  for (const [at, key] of keys.entries()) ctx.print(listedKey(at, key));
  return 0;
}

async function remove(call: KeyCall): Promise<number> {
  const { inv } = call;
  const isBoth = inv.bool("both") || (inv.bool("public") && inv.bool("secret"));
  const isGlobal = inv.bool("global");
  const isSecret = inv.bool("secret") && !isBoth;
  const outcomes = {
    public: isSecret ? undefined : await removeFrom(call, isGlobal ? "global" : "public"),
    private: isSecret || isBoth ? await removeFrom(call, "secret") : undefined,
  };
  if (isBoth) {
    // One of the two is enough: a key may be there without the other half.
    if (outcomes.public === true || outcomes.private === true) return 0;
    const why = `neither public key: ${NO_KEY}, nor private key: ${NO_KEY}`;
    throw new Fault("not-found", `Unable to remove ${why}`);
  }
  for (const [kind, found] of Object.entries(outcomes)) {
    if (found === false) throw new Fault("not-found", `Unable to remove ${kind} key: ${NO_KEY}`);
  }
  return 0;
}

/** Whether the ring had the key. */
async function removeFrom(
  { inv, rings }: KeyCall,
  ring: "public" | "secret" | "global",
): Promise<boolean> {
  const fingerprint = inv.args[0] ?? "";
  const keys =
    ring === "secret"
      ? await rings.secretKeys()
      : await rings.publicKeys(ring === "global" ? "global" : "local");
  if (findByFingerprint(keys, fingerprint) === undefined) return false;
  await rings.change(ring, (all) =>
    all.filter((key) => fingerprintOf(key) !== fingerprint.toLowerCase()),
  );
  return true;
}
