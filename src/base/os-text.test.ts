import { expect, test } from "bun:test";
import fc from "fast-check";
import { decodeOsText, encodeOsText, sortOsText } from "./os-text.ts";

const encoder = new TextEncoder();

test("decodeOsText() and encodeOsText() give any bytes back unchanged", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(encodeOsText(decodeOsText(bytes))).toEqual(bytes);
    }),
  );
});

test("encodeOsText() is UTF-8 for well-formed text, and decodeOsText() its inverse", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(encodeOsText(text)).toEqual(encoder.encode(text));
      expect(decodeOsText(encoder.encode(text))).toBe(text);
    }),
  );
});

test.each([
  ["a lone continuation byte", [0x80], "\udc80"],
  ["an overlong slash", [0xc0, 0xaf], "\udcc0\udcaf"],
  ["an overlong three byte form", [0xe0, 0x80, 0xaf], "\udce0\udc80\udcaf"],
  ["an encoded surrogate", [0xed, 0xb2, 0x80], "\udced\udcb2\udc80"],
  ["a value above U+10FFFF", [0xf4, 0x90, 0x80, 0x80], "\udcf4\udc90\udc80\udc80"],
  ["a sequence cut off at the end", [0x61, 0xe2, 0x82], "a\udce2\udc82"],
  ["latin 1 text", [0x66, 0xfc, 0x72], "f\udcfcr"],
])("decodeOsText() keeps %s as single bytes", (_, bytes, text) => {
  expect(decodeOsText(Uint8Array.from(bytes))).toBe(text);
  expect(encodeOsText(text)).toEqual(Uint8Array.from(bytes));
});

test("encodeOsText() replaces a lone surrogate that stands for no byte", () => {
  expect(encodeOsText("\ud800")).toEqual(Uint8Array.of(0xef, 0xbf, 0xbd));
});

test("sortOsText() orders by bytes, also where code units order otherwise", () => {
  const names = ["\u{1f600}", "\uffee", "\udcff", "b", "a\u00e9", "ab", ""];
  expect(sortOsText(names)).toEqual(["", "ab", "a\u00e9", "b", "\uffee", "\u{1f600}", "\udcff"]);
});
