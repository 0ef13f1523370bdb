import type { PrivateKey } from "openpgp";
import { Fault } from "../../base/fault.ts";
import type { ImageSigner } from "../sign/signature-object.ts";
import { fingerprintOf } from "./describe-key.ts";
import { loadOpenPgp } from "./library.ts";

/** Signs with an open PGP key: clear-signed texts with SHA-256. */
export function clearSigner(key: PrivateKey): ImageSigner {
  return {
    fingerprint: Uint8Array.fromHex(fingerprintOf(key).slice(0, 40)),
    sign: async (text) => {
      const { createCleartextMessage, enums, sign } = await loadOpenPgp();
      try {
        const signed = await sign({
          message: await createCleartextMessage({ text }),
          signingKeys: key,
          format: "armored",
          config: { preferredHashAlgorithm: enums.hash.sha256 },
        });
        return new TextEncoder().encode(signed.replaceAll("\r\n", "\n").trimEnd());
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new Fault("denied", `openpgp: ${why}`, { cause });
      }
    },
  };
}
