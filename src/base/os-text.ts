/**
 * Kernel strings (paths, arguments, environment) are bytes without NUL, usually UTF-8 but not
 * always. As text here: valid UTF-8 is itself, and each byte that is not part of a valid sequence
 * is one lone surrogate U+DC80 to U+DCFF (`0xdc00 + byte`; no valid text holds one). So every byte
 * string has exactly one text and comes back unchanged.
 */

/**
 * The engine's own codecs: a launch pays per character for anything written here, and nothing for
 * these. They are pure; the language library of these rooms merely does not name them.
 */
declare const TextEncoder: new () => {
  encode(text: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, into: Uint8Array): { readonly read: number; readonly written: number };
};
declare const TextDecoder: new (
  label: string,
  options: { readonly ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

const encoder = new TextEncoder();
// A byte order mark is text like any other here.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Text of kernel bytes; never fails. Overlong forms, surrogates and values above U+10FFFF are not valid UTF-8. */
export function decodeOsText(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  // U+FFFD is what the decoder makes of a broken byte; it may also be meant.
  return text.includes("\ufffd") ? decodeByteWise(bytes) : text;
}

function decodeByteWise(bytes: Uint8Array): string {
  let out = "";
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at] ?? 0;
    const length = sequenceLength(bytes, at, lead);
    if (length === 0) {
      out += String.fromCharCode(0xdc00 + lead);
      at += 1;
      continue;
    }
    let code = length === 1 ? lead : lead & (0x7f >> length);
    for (let i = 1; i < length; i++) code = (code << 6) | ((bytes[at + i] ?? 0) & 0x3f);
    out += String.fromCodePoint(code);
    at += length;
  }
  return out;
}

/** Bytes of the valid sequence at `at`: 1 to 4; 0 when there is none. */
function sequenceLength(bytes: Uint8Array, at: number, lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const second = bytes[at + 1] ?? 0;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let i = 2; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}

/**
 * Kernel bytes of a text: UTF-8, with U+DC80 to U+DCFF as the single bytes they stand for. Any other
 * lone surrogate becomes U+FFFD. A NUL is passed through: callers refuse it.
 */
export function encodeOsText(text: string): Uint8Array {
  return text.isWellFormed() ? encoder.encode(text) : encodeUnitWise(text);
}

function encodeUnitWise(text: string): Uint8Array {
  // No iterators and no Uint8Array.from: at the start of a process their first use costs 0.15 ms.
  const out = new Uint8Array(text.length * 3);
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    let code = text.codePointAt(i) ?? 0;
    if (code < 0x80 || (code >= 0xdc80 && code <= 0xdcff)) {
      out[length++] = code & 0xff;
      continue;
    }
    if (code > 0xffff) i++;
    else if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
    if (code < 0x800) out[length++] = 0xc0 | (code >> 6);
    else if (code < 0x10000) out[length++] = 0xe0 | (code >> 12);
    else {
      out[length++] = 0xf0 | (code >> 18);
      out[length++] = tail(code, 12);
    }
    if (code >= 0x800) out[length++] = tail(code, 6);
    out[length++] = tail(code, 0);
  }
  return out.slice(0, length);
}

function tail(code: number, shift: number): number {
  return 0x80 | ((code >> shift) & 0x3f);
}

/** Sorts names in place by their bytes, as directory listings of image formats are sorted. */
export function sortOsText(names: string[]): string[] {
  names.sort();
  // Code units and bytes order alike up to U+D7FF; names that sort after it are all at the end.
  return names.some((n) => /[\ud800-\uffff]/.test(n)) ? names.sort(compareEncoded) : names;
}

function compareEncoded(left: string, right: string): number {
  const a = encodeOsText(left);
  const b = encodeOsText(right);
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
