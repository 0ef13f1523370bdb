import type { Invocation } from "../cli/invocation.ts";
import { readSif } from "../format/sif/image.ts";
import type { HostFacts } from "../plan/facts.ts";
import type { Context } from "../terminal/context.ts";
import { findInOrder } from "../trust/pgp/find-keys.ts";
import { clearSignVerifier } from "../trust/pgp/verify-clear-signed.ts";
import { localSignedImage } from "../trust/signed-image.ts";
import { verifyImage } from "../trust/verify/verify-image.ts";
import { openForReading } from "./_change-sif.ts";
import { openKeyRings } from "./_key-rings.ts";

/** Checks all signatures of an image with the keys of the system's ring and the user's. Throws a Fault for one that has none, or one that is not good. */
export async function checkSignatures(
  path: string,
  inv: Invocation,
  ctx: Context,
  host: HostFacts,
): Promise<void> {
  const rings = openKeyRings(inv, ctx, host);
  const find = findInOrder([
    { source: "global", keys: () => rings.publicKeys("global") },
    { source: "local", keys: () => rings.publicKeys("local") },
  ]);
  const file = openForReading(path);
  try {
    const image = localSignedImage(readSif(file.source), file.source, file.fd);
    await verifyImage(image, { pgp: clearSignVerifier(find, new Date()) });
  } finally {
    file.close();
  }
}
