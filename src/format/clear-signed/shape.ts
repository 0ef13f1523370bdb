/*
 * A clear-signed text (RFC 9580 section 7), as it stands in a signature object:
 *
 *   -----BEGIN PGP SIGNED MESSAGE-----
 *   Hash: SHA256
 *                                        an empty line
 *   text
 *   -----BEGIN PGP SIGNATURE-----
 *   Comment: of any kind                 none or more
 *                                        an empty line
 *   base64                               lines of it
 *   =CCCC                                a checksum, in older ones
 *   -----END PGP SIGNATURE-----
 */

const START = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE = "\n-----BEGIN PGP SIGNATURE-----";
const END = "\n-----END PGP SIGNATURE-----";
const ARMOR =
  /^[ \t]*\r?\n(?:[^\n:]+: [^\n]*\n)*[ \t]*\r?\n(?:[A-Za-z0-9+/]+[ \t]*\r?\n)*[A-Za-z0-9+/]*={0,2}[ \t]*\r?\n?(?:=[A-Za-z0-9+/]{4}[ \t]*\r?)?$/;

/**
 * What a text that should be one is: `none` of the kind, `broken` where the signature is, or `whole`. The
 * library that reads them is not strict: what it passes over was not signed, yet it was altered.
 */
export function clearSignedShape(text: string): "none" | "broken" | "whole" {
  const from = text.indexOf(SIGNATURE);
  const to = text.indexOf(END, from);
  if (!text.startsWith(START) || from < 0 || to < 0) return "none";
  return ARMOR.test(text.slice(from + SIGNATURE.length, to)) ? "whole" : "broken";
}
