import { decodeOsText, encodeOsText } from "../../base/os-text.ts";

/** Records of a PAX header; an empty value takes an earlier record back. */
export type PaxRecords = ReadonlyMap<string, Uint8Array>;

/** Records that may come many times: pairs of the oldest sparse format, in order. */
export interface PaxHeader {
  readonly records: PaxRecords;
  readonly sparsePairs: readonly number[];
}

/**
 * Reads the records of a PAX header, each `LENGTH KEY=VALUE\n` with LENGTH counting itself. A text says
 * what is wrong.
 */
export function parsePax(bytes: Uint8Array): PaxHeader | string {
  const records = new Map<string, Uint8Array>();
  const sparsePairs: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    let length = 0;
    let i = at;
    for (; i < at + 9; i++) {
      const digit = (bytes[i] ?? 0) - 0x30;
      if (digit < 0 || digit > 9) break;
      length = length * 10 + digit;
    }
    // Some writers fill the rest with NUL.
    if (i === at && isZero(bytes, at)) break;
    const end = at + length;
    if (i === at || bytes[i] !== 0x20 || end > bytes.length || end <= i) {
      return "a PAX record has a wrong length";
    }
    const equals = bytes.indexOf(0x3d, i + 1);
    if (equals < 0 || equals >= end || equals === i + 1) return "a PAX record has no name";
    if (bytes[end - 1] !== 0x0a) return "a PAX record does not end with a newline";
    const key = decodeOsText(bytes.subarray(i + 1, equals));
    const value = bytes.slice(equals + 1, end - 1);
    if (key.includes("\0")) return "the name of a PAX record holds a NUL";
    if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") {
      const number = paxNumber(value);
      if (number === undefined) return `"${key}" is no number`;
      if ((sparsePairs.length % 2 === 0) !== (key === "GNU.sparse.offset")) {
        return "the map of a sparse file is out of order";
      }
      sparsePairs.push(number);
    } else {
      records.set(key, value);
    }
    at = end;
  }
  return { records, sparsePairs };
}

function isZero(bytes: Uint8Array, from: number): boolean {
  for (let i = from; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** A whole number without sign, in decimal digits; undefined for anything else. */
export function paxNumber(value: Uint8Array): number | undefined {
  if (value.length === 0 || value.length > 16) return undefined;
  let number = 0;
  for (const byte of value) {
    if (byte < 0x30 || byte > 0x39) return undefined;
    number = number * 10 + (byte - 0x30);
  }
  return Number.isSafeInteger(number) ? number : undefined;
}

/** Seconds of a time such as `-12.5`, rounded down. */
export function paxSeconds(value: Uint8Array): number | undefined {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(decodeOsText(value));
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = ""] = match;
  const seconds = Number(whole);
  if (sign === "") return seconds;
  // -0 is 0.
  return /[1-9]/.test(fraction) ? -seconds - 1 : 0 - seconds;
}

/** Bytes of one record. */
export function paxRecord(key: string, value: Uint8Array): Uint8Array {
  const name = encodeOsText(key);
  // Blank, equals sign, newline.
  const rest = name.length + value.length + 3;
  let digits = String(rest).length;
  if (String(rest + digits).length > digits) digits++;
  const out = new Uint8Array(rest + digits);
  const head = encodeOsText(String(rest + digits));
  out.set(head);
  out[head.length] = 0x20;
  out.set(name, head.length + 1);
  out[head.length + 1 + name.length] = 0x3d;
  out.set(value, head.length + 2 + name.length);
  out[out.length - 1] = 0x0a;
  return out;
}
