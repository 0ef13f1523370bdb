import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { memorySource, viewOf } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import { findObject, primaryPartition, readSif } from "./image.ts";

const fixtures = `${import.meta.dir}/../../../test/fixtures/sif`;
const load = (name: string): Uint8Array => new Uint8Array(readFileSync(`${fixtures}/${name}.sif`));
const names = readdirSync(fixtures)
  .filter((n) => n.endsWith(".sif"))
  .map((n) => n.slice(0, -4));

test.each([
  ["empty", []],
  ["one-object-time", [1, 0x4006, 32176, 2]],
  ["one-group", [1, 0x4004, 32768, 4, 2, 0x4004, 36864, 4096]],
  ["one-group-signed-dsse", [1, 0x4004, 32768, 4, 2, 0x4004, 36864, 4096, 3, 0x4005, 40960, 1694]],
])("readSif() lists the objects of %s", (name, expected) => {
  const image = readSif(memorySource(load(name)));
  expect(image.objects.flatMap((o) => [o.id, o.dataType, o.offset, o.sizeBytes])).toEqual(expected);
});

test("primaryPartition() and findObject() find by type and id", () => {
  const image = readSif(memorySource(load("two-groups")));
  expect(primaryPartition(image)?.id).toBe(2);
  expect(findObject(image, 3)?.offset).toBe(40960);
  expect(findObject(image, 4)).toBeUndefined();
  expect(primaryPartition(readSif(memorySource(load("empty"))))).toBeUndefined();
});

test("readSif() accepts bytes after the last object", () => {
  const bytes = load("one-group");
  const longer = new Uint8Array(bytes.length + 999).fill(0xaa);
  longer.set(bytes);
  expect(readSif(memorySource(longer)).objects.length).toBe(2);
});

test("readSif() reads a table that lies elsewhere and has another capacity", () => {
  const bytes = load("one-group");
  const moved = new Uint8Array(200_000);
  moved.set(bytes);
  moved.set(bytes.subarray(4096, 4096 + 2 * 585), 100_000);
  const v = viewOf(moved);
  v.setBigInt64(88, 2n, true);
  v.setBigInt64(96, 100_000n, true);
  // The data section has to follow the table: move it, and the objects with it.
  v.setBigInt64(112, 110_000n, true);
  v.setBigInt64(100_000 + 17, 120_000n, true);
  v.setBigInt64(100_585 + 17, 130_000n, true);
  expect(readSif(memorySource(moved)).objects.map((o) => o.offset)).toEqual([120_000, 130_000]);
});

test("readSif() of a file that is cut off gives its table when it is not to be whole", () => {
  const bytes = load("one-group");
  const cut = memorySource(bytes.slice(0, 32_200));
  expect(() => readSif(cut)).toThrow("goes beyond the end of the file");
  expect(readSif(cut, false)).toEqual(readSif(memorySource(bytes)));
});

const SLOT = 4096;
test.each([
  ["an object beyond the end", SLOT + 585 + 17, 60_000n, "goes beyond the end of the file"],
  ["a size beyond the end", SLOT + 585 + 25, 5000n, "goes beyond the end of the file"],
  ["sizes that add up beyond all numbers", SLOT + 25, 2n ** 53n - 1n, "goes beyond the end"],
  ["a negative offset", SLOT + 17, -1n, "offset of object 1 is -1"],
  ["overlapping objects", SLOT + 585 + 17, 32770n, "objects 1 and 2 overlap"],
  ["an object in the table", SLOT + 17, 5000n, "lies before the data"],
  ["an object in the header", SLOT + 17, 0n, "lies before the data"],
  ["more descriptors than the file has room for", 88, 50n, "its data at 32176 overlap"],
  ["a huge count of descriptors", 88, 2n ** 40n, "are more than 4096"],
  ["a negative count of descriptors", 88, -48n, "number of descriptors is -48"],
  ["a table beyond the end", 96, 50_000n, "its descriptors end at"],
  ["a table in the header", 96, 100n, "overlap the header"],
  ["data that begin in the table", 112, 30_000n, "overlap the descriptors"],
])("readSif() refuses %s", (_, at, value, reason) => {
  const bytes = load("one-group");
  viewOf(bytes).setBigInt64(at, value, true);
  const read = (): unknown => readSif(memorySource(bytes));
  expect(read).toThrow(reason);
  expect(read).toThrow(Fault);
});

test("readSif() refuses two objects with one id", () => {
  const bytes = load("one-group");
  viewOf(bytes).setUint32(SLOT + 585 + 5, 1, true);
  expect(() => readSif(memorySource(bytes))).toThrow("two objects with the id 1");
});

test("readSif() refuses every cut of an image that loses part of an object, and no other", () => {
  const bytes = load("one-group-signed-pgp");
  for (const length of [
    0,
    1,
    127,
    128,
    4096,
    32175,
    32176,
    32768,
    36864,
    41000,
    bytes.length - 1,
  ]) {
    expect(() => readSif(memorySource(bytes.subarray(0, length)))).toThrow(Fault);
  }
  expect(readSif(memorySource(bytes)).objects.length).toBe(3);
});

test("readSif() meets any damage to a real image with an image or a Fault", () => {
  const images = names.map(load);
  const headerPlace = fc.nat(127);
  const tablePlace = fc.nat(5 * 585).map((n) => n + SLOT);
  const mutation = fc.record({ at: fc.oneof(headerPlace, tablePlace), value: fc.nat(255) });
  fc.assert(
    fc.property(
      fc.nat(images.length - 1),
      fc.array(mutation, { minLength: 1, maxLength: 8 }),
      fc.option(fc.nat(45_000)),
      (index, mutations, cut) => {
        const bytes = (images[index] ?? new Uint8Array()).slice(0, cut ?? undefined);
        for (const { at, value } of mutations) if (at < bytes.length) bytes[at] = value;
        try {
          const image = readSif(memorySource(bytes));
          for (const o of image.objects) expect(o.offset + o.sizeBytes <= bytes.length).toBe(true);
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
          expect(error.code).toBe("invalid");
        }
      },
    ),
    { numRuns: 2000 },
  );
});
