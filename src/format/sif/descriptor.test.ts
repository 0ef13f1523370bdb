import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  decodeDescriptor,
  descriptorName,
  encodeDescriptor,
  encodeName,
  GROUP_MASK,
  groupNumber,
  isGroupLink,
  type SifDescriptor,
} from "./descriptor.ts";

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const uint32 = fc.nat(0xffffffff);
const descriptor: fc.Arbitrary<SifDescriptor> = fc.record({
  slot: fc.constant(3),
  dataType: fc.integer(),
  id: uint32.filter((id) => id > 0),
  group: uint32,
  link: uint32,
  offset: fc.maxSafeNat(),
  sizeBytes: fc.maxSafeNat(),
  paddedBytes: fc.maxSafeNat(),
  createdAt: int64,
  modifiedAt: int64,
  uid: int64,
  gid: int64,
  name: fc.uint8Array({ minLength: 128, maxLength: 128 }),
  extra: fc.uint8Array({ minLength: 384, maxLength: 384 }),
});

test("decodeDescriptor() gives back what encodeDescriptor() was given, at any place of a table", () => {
  fc.assert(
    fc.property(descriptor, fc.nat(700), (d, at) => {
      const table = new Uint8Array(at + 585);
      table.set(encodeDescriptor(d), at);
      expect(decodeDescriptor(table, at, 3)).toEqual(d);
    }),
  );
});

test("decodeDescriptor() gives nothing for a free slot, whatever else is in it", () => {
  const bytes = new Uint8Array(585).fill(7);
  bytes[4] = 0;
  expect(decodeDescriptor(bytes, 0, 0)).toBeUndefined();
});

test.each([
  ["id 0", 5, 4, 0, "has no object id"],
  ["a negative offset", 24, 1, 0x80, "offset of object"],
  ["a negative size", 32, 1, 0xff, "size of object"],
  ["a padded size above 2^53", 39, 1, 0x20, "padded size of object"],
])("decodeDescriptor() refuses %s", (_, at, count, value, reason) => {
  const bytes = new Uint8Array(585);
  bytes[4] = 1;
  bytes[5] = 9;
  bytes.fill(value, at, at + count);
  expect(() => decodeDescriptor(bytes, 0, 4)).toThrow(reason);
});

test("descriptorName() reads names up to the full 128 bytes", () => {
  const named = (name: string): SifDescriptor =>
    ({ name: encodeName(name) }) as unknown as SifDescriptor;
  for (const name of ["", "data.json", "n".repeat(128), "é", "caf\udce9"]) {
    expect(descriptorName(named(name))).toBe(name);
  }
  expect(() => encodeName("n".repeat(129))).toThrow("at most 128 bytes");
});

test("group numbers and links are told apart by the mask", () => {
  expect(groupNumber(GROUP_MASK)).toBe(0);
  expect(groupNumber(GROUP_MASK + 7)).toBe(7);
  expect(isGroupLink(GROUP_MASK + 1)).toBe(true);
  expect(isGroupLink(3)).toBe(false);
});
