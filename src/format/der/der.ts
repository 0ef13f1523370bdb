import { Fault } from "../../base/fault.ts";

/*
 * One element of DER (X.690):   tag (1) · length · content
 * length: below 128 itself, else 0x80 plus the count of big-endian bytes that follow.
 */

export interface DerElement {
  /** First byte: class, whether constructed, number. Numbers above 30 are refused. */
  readonly tag: number;
  readonly content: Uint8Array<ArrayBuffer>;
  /** The whole element, head included. */
  readonly whole: Uint8Array<ArrayBuffer>;
}

export const DER_INTEGER: number = 0x02;
export const DER_BIT_STRING: number = 0x03;
export const DER_OCTET_STRING: number = 0x04;
export const DER_NULL: number = 0x05;
export const DER_OID: number = 0x06;
export const DER_SEQUENCE: number = 0x30;

/** The elements that follow one another in `bytes`. Throws a Fault `invalid` when they do not fill it. */
export function readDer(bytes: Uint8Array<ArrayBuffer>): readonly DerElement[] {
  const out: DerElement[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at] ?? 0;
    let length = bytes[at + 1] ?? 0;
    let start = at + 2;
    if (length >= 0x80) {
      const count = length - 0x80;
      if (count === 0 || count > 4) throw broken();
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + (bytes[start + i] ?? 0);
      start += count;
    }
    if ((tag & 0x1f) === 0x1f || start + length > bytes.length) throw broken();
    out.push({
      tag,
      content: bytes.subarray(start, start + length),
      whole: bytes.subarray(at, start + length),
    });
    at = start + length;
  }
  return out;
}

/** The only element of `bytes`, which must have that tag. Throws a Fault `invalid`. */
export function readOnly(bytes: Uint8Array<ArrayBuffer>, tag: number): DerElement {
  const [first, ...more] = readDer(bytes);
  if (first === undefined || more.length > 0 || first.tag !== tag) throw broken();
  return first;
}

/** One element around the given pieces of content. */
export function writeDer(tag: number, ...content: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = content.reduce((sum, piece) => sum + piece.length, 0);
  const head = [tag];
  if (length < 0x80) head.push(length);
  else {
    const digits: number[] = [];
    for (let left = length; left > 0; left = Math.floor(left / 256)) digits.unshift(left % 256);
    head.push(0x80 + digits.length, ...digits);
  }
  const out = new Uint8Array(head.length + length);
  out.set(head);
  let at = head.length;
  for (const piece of content) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

/** Text of an object identifier: "1.2.840.113549". */
export function oidText(content: Uint8Array): string {
  const numbers: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (numbers.length === 0)
      numbers.push(
        Math.min(2, Math.floor(value / 40)),
        value - 40 * Math.min(2, Math.floor(value / 40)),
      );
    else numbers.push(value);
    value = 0;
  }
  return numbers.join(".");
}

function broken(): Fault {
  return new Fault("invalid", "Cannot read DER data: its lengths do not fit");
}
