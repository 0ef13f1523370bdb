import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import {
  decodeHeader,
  encodeHeader,
  hasSifMagic,
  isDeterministic,
  type SifHeader,
  ZERO_TIME,
} from "./header.ts";

const fixtures = `${import.meta.dir}/../../../test/fixtures/sif`;
const size = fc.maxSafeNat();
const header: fc.Arbitrary<SifHeader> = fc.record({
  launch: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  arch: fc.stringMatching(/^[0-9]{2}$/),
  uuid: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  createdAt: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  modifiedAt: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  descriptorsFree: size,
  descriptorsTotal: size,
  tableOffset: size,
  tableBytes: size,
  dataOffset: size,
  dataBytes: size,
});

test("decodeHeader() gives back what encodeHeader() was given", () => {
  fc.assert(
    fc.property(header, (h) => {
      expect(decodeHeader(encodeHeader(h))).toEqual(h);
    }),
  );
});

test("encodeHeader() writes the bytes that other writers write", () => {
  for (const name of ["empty", "empty-launch-script", "one-group-signed-pgp", "two-groups"]) {
    const bytes = readFileSync(`${fixtures}/${name}.sif`).subarray(0, 128);
    expect(Buffer.from(encodeHeader(decodeHeader(bytes)))).toEqual(Buffer.from(bytes));
  }
});

test("decodeHeader() reads the drawing in its file", () => {
  const h = decodeHeader(readFileSync(`${fixtures}/one-group.sif`));
  expect(h).toMatchObject({
    arch: "01",
    createdAt: ZERO_TIME,
    modifiedAt: ZERO_TIME,
    descriptorsFree: 46,
    descriptorsTotal: 48,
    tableOffset: 4096,
    tableBytes: 28080,
    dataOffset: 32176,
    dataBytes: 8784,
  });
  expect(isDeterministic(h)).toBe(true);
  expect(isDeterministic({ ...h, modifiedAt: 0n })).toBe(false);
  expect(isDeterministic({ ...h, uuid: new Uint8Array(16).fill(1) })).toBe(false);
});

test.each([
  ["no magic", 32, [0x58], "magic text is missing"],
  ["magic without its NUL", 41, [0x58], "magic text is missing"],
  ["another version", 43, [0x32], "version is not 01"],
  ["a negative data offset", 119, [0xff], "offset of the data"],
  ["a table offset above 2^53", 96, [0, 0, 0, 0, 0, 0, 0x20, 0], "offset of the descriptors"],
  ["a negative count", 88, [255, 255, 255, 255, 255, 255, 255, 255], "number of descriptors is -1"],
])("decodeHeader() refuses %s", (_, at, bytes, reason) => {
  const copy = new Uint8Array(readFileSync(`${fixtures}/empty.sif`).subarray(0, 128));
  copy.set(bytes, at);
  expect(() => decodeHeader(copy)).toThrow(reason);
});

test("decodeHeader() refuses fewer than 128 bytes", () => {
  expect(() => decodeHeader(new Uint8Array(127))).toThrow("a header needs 128 bytes");
});

test("hasSifMagic() finds the text at any place and nowhere else", () => {
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  expect(hasSifMagic(encode("#!/some/long/way/to/an interpreter -x\nSIF_MAGIC"))).toBe(true);
  expect(hasSifMagic(encode("SSSIF_MAGIC"))).toBe(true);
  expect(hasSifMagic(encode("SIF_MAGI"))).toBe(false);
  expect(hasSifMagic(new Uint8Array(0))).toBe(false);
});
