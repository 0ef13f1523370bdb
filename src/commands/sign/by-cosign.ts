import { Fault } from "../../base/fault.ts";
import type { Invocation } from "../../cli/invocation.ts";
import { VERSIONS } from "../../cli/program.ts";
import { readNamed } from "../../runtime/key-rings.ts";
import { askSecret } from "../../terminal/ask.ts";
import type { Context } from "../../terminal/context.ts";
import type { CosignedPlace } from "../../trust/cosign/cosigned-place.ts";
import { signDigest } from "../../trust/cosign/sign-digest.ts";
import { loadPrivateKey } from "../../trust/pem/load-key.ts";

/** `sign --cosign`: adds a signature as cosign makes them to the image of an OCI-SIF, or to one in a registry. `open` finds the image. */
export async function signByCosign(
  inv: Invocation,
  ctx: Context,
  open: () => Promise<CosignedPlace>,
): Promise<number> {
  const keyFile = inv.string("key");
  if (keyFile === "") {
    throw new Fault("usage", "Cannot sign with --cosign: it takes a private key in a file", {
      exitCode: 255,
      hint: "give --key FILE; key generate-cosign-key-pair makes one",
    });
  }
  for (const flag of ["group-id", "sif-id", "provenance"]) {
    if (!inv.isSet(flag)) continue;
    throw new Fault("usage", `--${flag} is for signatures of a SIF, not for --cosign`, {
      exitCode: 255,
    });
  }
  ctx.log.info(`Sigstore/cosign compatible signature, using key material from '${keyFile}'`);
  const place = await open();
  try {
    const text = new TextDecoder().decode(readNamed(keyFile));
    const ask = (): string =>
      ctx.env["COSIGN_PASSWORD"] ??
      askSecret("Enter password for private key: ", ctx.printError) ??
      "";
    const key = await loadPrivateKey(text, ask);
    await place.add(signDigest(key, place, `skiff ${VERSIONS.skiff}`, new Date()));
    ctx.log.info(`Signature of ${place.digest} added to '${inv.args[0]}'`);
    return 0;
  } finally {
    place.close();
  }
}
