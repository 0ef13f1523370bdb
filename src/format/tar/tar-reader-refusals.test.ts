import { expect, test } from "bun:test";
import { block, concat, octal, padded, pax, readTar } from "../../../test/support/made-up-tar.ts";
import { Fault } from "../../base/fault.ts";

const sparse10 = { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "10" };
const refused: readonly (readonly [what: string, archive: Uint8Array, why: string])[] = [
  ["a wrong checksum", block({ 0: "a" }, "0").fill(0x31, 148, 152), "checksum"],
  ["a header cut off", block({ 0: "a" }, "0").subarray(0, 300), "cut off"],
  ["content cut off", block({ 0: "a", 124: octal(9) }, "0"), "cut off"],
  ["a size that is no number", block({ 0: "a", 124: "9".repeat(11) }, "0"), '"sizeBytes"'],
  ["an unknown type", block({ 0: "a" }, "Q"), 'type "Q"'],
  ["a gigantic header", block({ 0: "a", 124: octal(2 ** 31) }, "x"), "more than 1048576"],
  ["a long name that is gigantic", block({ 0: "a", 124: octal(2 ** 32) }, "L"), "more than"],
  ["records without end", concat(pax({ a: "b" }), pax({ a: "b" })), "cut off"],
  ["a record with a wrong length", pax({ a: "b" }).fill(0x39, 512, 513), "wrong length"],
  ["a NUL in a name", concat(pax({ path: "a\0b" }), block({ 0: "a" }, "0")), "NUL"],
  ["an owner out of range", concat(pax({ uid: "4294967296" }), block({ 0: "a" }, "0")), "owner"],
  ["a size that is text", concat(pax({ size: "big" }), block({ 0: "a" }, "0")), "number"],
  [
    "an attribute that is no base64",
    concat(pax({ "LIBARCHIVE.xattr.user.a": "?" }), block({ 0: "a" }, "0")),
    "base64",
  ],
  [
    "a sparse map longer than the file",
    concat(pax(sparse10), block({ 0: "a", 124: octal(513) }, "0"), padded("1\n10\n1\n")),
    "longer than the file",
  ],
  [
    "a sparse map without its data",
    concat(pax(sparse10), block({ 0: "a", 124: octal(512) }, "0"), padded("1\n0\n10\n")),
    "add up",
  ],
  [
    "a sparse map that is no text",
    concat(pax(sparse10), block({ 0: "a", 124: octal(512) }, "0"), padded("99999999999\n")),
    "too long",
  ],
  [
    "a global header that grows",
    concat(...Array.from({ length: 3 }, (_, i) => pax({ [`x${i}`]: "y".repeat(500_000) }, "g"))),
    "global",
  ],
];

for (const [what, archive, why] of refused) {
  test(`TarReader refuses ${what}`, () => {
    let message = "";
    try {
      readTar(archive);
    } catch (error) {
      message = error instanceof Fault ? error.message : `${error}`;
    }
    expect(message).toContain("Cannot read the layer x");
    expect(message).toContain(why);
  });
}
