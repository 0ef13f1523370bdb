/** Bytes of base64 text, with or without the signs that fill it up; undefined when it is none. */
export function decodeBase64(text: Uint8Array): Uint8Array | undefined {
  let end = text.length;
  while (end > 0 && text[end - 1] === 0x3d) end--;
  if (end % 4 === 1) return undefined;
  const out = new Uint8Array(Math.floor((end * 3) / 4));
  let bits = 0;
  let held = 0;
  let length = 0;
  for (let i = 0; i < end; i++) {
    const value = sixBits(text[i] ?? 0);
    if (value < 0) return undefined;
    held = ((held << 6) | value) & 0xfff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out[length++] = (held >> bits) & 0xff;
  }
  return out.subarray(0, length);
}

function sixBits(byte: number): number {
  if (byte >= 0x41 && byte <= 0x5a) return byte - 0x41;
  if (byte >= 0x61 && byte <= 0x7a) return byte - 0x61 + 26;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30 + 52;
  return byte === 0x2b ? 62 : byte === 0x2f ? 63 : -1;
}
