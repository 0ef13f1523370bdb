import type { PartialConfig } from "openpgp";

/** The OpenPGP library. It has 600 KB and takes 30 to 50 ms to load: only what handles PGP keys asks for it. */
export type OpenPgp = typeof import("openpgp");

export async function loadOpenPgp(): Promise<OpenPgp> {
  const library = await import("openpgp");
  Object.assign(library.config, settings(library));
  return library;
}

/** What differs from the library's defaults, so that keys and signatures of the peers are taken. */
function settings({ enums }: OpenPgp): PartialConfig {
  return {
    // Keys of that size exist; the peers take them.
    minRSABits: 1024,
    rejectPublicKeyAlgorithms: new Set([enums.publicKey.elgamal]),
    rejectCurves: new Set(),
    // Signatures by SHA-1 and MD5 on images are refused (sif.md section 9.3); on keys the library's own rules hold.
    rejectMessageHashAlgorithms: new Set([
      enums.hash.md5,
      enums.hash.sha1,
      enums.hash.ripemd,
      enums.hash.sha3_256,
      enums.hash.sha3_512,
    ]),
    // A key may have been signed anew, with another expiry, after it signed an image.
    allowInsecureVerificationWithReformattedKeys: true,
  };
}
