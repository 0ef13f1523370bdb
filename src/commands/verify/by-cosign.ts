import { Fault } from "../../base/fault.ts";
import { decodeOsText } from "../../base/os-text.ts";
import type { Invocation } from "../../cli/invocation.ts";
import { readNamed } from "../../runtime/key-rings.ts";
import type { Context } from "../../terminal/context.ts";
import { goodSignatures } from "../../trust/cosign/check-cosign.ts";
import type { CosignedPlace } from "../../trust/cosign/cosigned-place.ts";
import { loadPublicKey } from "../../trust/pem/load-key.ts";

/**
 * `verify --cosign`: prints the signed texts of the signatures that are good by a public key, as a JSON
 * list. Throws a Fault when there is none. `open` finds the image.
 */
export async function verifyByCosign(
  inv: Invocation,
  ctx: Context,
  open: () => Promise<CosignedPlace>,
): Promise<number> {
  const keyFile = inv.string("key");
  if (keyFile === "") {
    throw new Fault("usage", "Cannot verify with --cosign: it takes a public key in a file", {
      exitCode: 255,
      hint: "give --key FILE",
    });
  }
  ctx.log.info(
    `Verifying image with sigstore/cosign signature, using key material from '${keyFile}'`,
  );
  const key = loadPublicKey(new TextDecoder().decode(readNamed(keyFile)));
  const place = await open();
  try {
    const count = place.checkBlobs();
    if (count !== undefined) ctx.log.info(`Verified digests of ${count} OCI Blobs`);
    ctx.log.info(`Image digest: ${place.digest}`);
    const found = await place.signatures();
    ctx.log.info(`Image has ${found.length} associated signatures`);
    const good = goodSignatures(found, place.digest, key);
    ctx.log.info(`Image has ${good.length} signatures that are valid with provided key material`);
    if (good.length === 0) throw new Fault("denied", "no valid signatures found");
    const texts = good.map(({ payload }) => JSON.parse(decodeOsText(payload)) as unknown);
    ctx.print(`${JSON.stringify(texts)}\n`);
    return 0;
  } finally {
    place.close();
  }
}
