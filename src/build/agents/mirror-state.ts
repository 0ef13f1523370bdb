import type { BuildPorts } from "../stage.ts";

const TIMEOUT_MS = 4000;

/**
 * Digest of the list that a Debian mirror signs for a suite: it changes whenever a package does. When
 * the mirror does not answer, the digest that it had last counts, so that builds go on without a
 * network.
 */
export async function mirrorState(
  mirror: string,
  suite: string,
  ports: Pick<BuildPorts, "memo" | "signal">,
): Promise<string> {
  const name = new Bun.CryptoHasher("sha256").update(`${mirror} ${suite}`).digest("hex");
  const base = `${mirror.replace(/\/+$/, "")}/dists/${suite}`;
  for (const file of ["InRelease", "Release"]) {
    const digest = await digestAt(`${base}/${file}`, ports.signal);
    if (digest === undefined) continue;
    ports.memo?.set(`mirror-${name}`, digest);
    return digest;
  }
  return ports.memo?.get(`mirror-${name}`) ?? "unknown";
}

async function digestAt(url: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const response = await fetch(url, { signal: limit });
    if (!response.ok) return undefined;
    const bytes = new Uint8Array(await response.arrayBuffer());
    return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}
