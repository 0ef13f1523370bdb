import { Fault } from "../base/fault.ts";
import type { Invocation } from "../cli/invocation.ts";
import type { HostFacts } from "../plan/facts.ts";
import type { Context } from "../terminal/context.ts";
import type { KeyMaterial } from "../trust/verify/key-material.ts";
import { openKeyRings } from "./_key-rings.ts";

/**
 * Keys of the system's ring, the user's, and, only when told to, of key servers: by `--url`, or under
 * the peers' names by servers that somebody configured.
 */
export async function pgpMaterial(
  inv: Invocation,
  ctx: Context,
  host: HostFacts,
): Promise<KeyMaterial> {
  const [{ clearSignVerifier }, { findInOrder }] = await Promise.all([
    import("../trust/pgp/verify-clear-signed.ts"),
    import("../trust/pgp/find-keys.ts"),
  ]);
  const rings = openKeyRings(inv, ctx, host);
  const find = findInOrder([
    { source: "global", keys: () => rings.publicKeys("global") },
    { source: "local", keys: () => rings.publicKeys("local") },
    { source: "server", keys: (keyId) => askServers(keyId, inv, ctx, host) },
  ]);
  return { pgp: clearSignVerifier(find, new Date()) };
}

async function askServers(keyId: string, inv: Invocation, ctx: Context, host: HostFacts) {
  if (inv.has("local") && inv.bool("local")) return [];
  const [{ keyServerChoice }, { fetchKeys, findKeyServers, hasConfiguredServers }] =
    await Promise.all([
      import("./_key-servers.ts"),
      import("../registry/keyserver/find-servers.ts"),
    ]);
  const choice = keyServerChoice(ctx, host, inv.has("url") ? inv.string("url") : "");
  const isTold = choice.url !== "";
  if (!isTold && (ctx.program === "skiff" || !hasConfiguredServers(choice.services))) return [];
  try {
    return await fetchKeys(await findKeyServers(choice), keyId);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    // The verdict is that the key is not known; why nobody knew it helps.
    ctx.log.warning(`Cannot ask for the key ${keyId.toUpperCase()}: ${error.message}`);
    return [];
  }
}
