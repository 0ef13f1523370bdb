/**
 * Numbers of tar headers: octal digits with blanks before and blanks or NUL behind; or, with the first
 * bit set, a big-endian two's complement number (GNU). An empty field is 0. Undefined for anything
 * else, and for what no whole number of JavaScript holds.
 */
export function readNumber(block: Uint8Array, at: number, length: number): number | undefined {
  const first = block[at] ?? 0;
  if ((first & 0x80) !== 0) return readBinary(block, at, length);
  let value = 0;
  let i = at;
  const end = at + length;
  while (i < end && isBlank(block[i] ?? 0)) i++;
  for (; i < end; i++) {
    const digit = (block[i] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  while (i < end && isBlank(block[i] ?? 0)) i++;
  return i === end && Number.isSafeInteger(value) ? value : undefined;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0;
}

function readBinary(block: Uint8Array, at: number, length: number): number | undefined {
  const isNegative = ((block[at] ?? 0) & 0x40) !== 0;
  const flip = isNegative ? 0xff : 0;
  let value = ((block[at] ?? 0) ^ flip) & 0x3f;
  for (let i = at + 1; i < at + length; i++) {
    value = value * 256 + ((block[i] ?? 0) ^ flip);
    if (value > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return isNegative ? -value - 1 : value;
}

/** Largest number that `length` bytes hold in octal with the NUL behind it. */
export function largestOctal(length: number): number {
  return 8 ** (length - 1) - 1;
}

/** Writes octal digits and a NUL; the number fits. */
export function writeOctal(block: Uint8Array, at: number, length: number, value: number): void {
  const text = value.toString(8).padStart(length - 1, "0");
  for (let i = 0; i < length - 1; i++) block[at + i] = text.charCodeAt(i);
}

/** Sum of a header's bytes with the checksum field taken as blanks: unsigned, and as old tools signed it. */
export function headerSums(block: Uint8Array): readonly [unsigned: number, signed: number] {
  let unsigned = 8 * 0x20;
  let high = 0;
  for (let i = 0; i < 512; i++) {
    if (i >= 148 && i < 156) continue;
    const byte = block[i] ?? 0;
    unsigned += byte;
    if (byte > 127) high++;
  }
  return [unsigned, unsigned - high * 256];
}
