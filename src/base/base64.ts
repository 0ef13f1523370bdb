const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Base64 text of bytes, with `=` at its end (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  let out = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const word = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    out += LETTERS.charAt(word >> 18) + LETTERS.charAt((word >> 12) & 63);
    out += left > 1 ? LETTERS.charAt((word >> 6) & 63) : "=";
    out += left > 2 ? LETTERS.charAt(word & 63) : "=";
  }
  return out;
}

/** Bytes of base64 text, blanks and line ends left out, with or without `=`; undefined when it is none. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  const letters = text.replace(/\s+/g, "").replace(/={1,2}$/, "");
  if (letters.length % 4 === 1) return undefined;
  const out = new Uint8Array(Math.floor((letters.length * 3) / 4));
  let [held, bits, length] = [0, 0, 0];
  for (const letter of letters) {
    const value = LETTERS.indexOf(letter);
    if (value < 0) return undefined;
    held = ((held << 6) | value) & 0xfff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out[length++] = (held >> bits) & 0xff;
  }
  return out;
}
