import { expect, test } from "bun:test";
import fc from "fast-check";
import { archCode, archName, dataTypeName } from "./codes.ts";
import { EXTRA_BYTES, type SifDescriptor } from "./descriptor.ts";
import * as extra from "./extra.ts";

const withExtra = (dataType: number, bytes: Uint8Array): SifDescriptor =>
  ({ dataType, extra: bytes }) as unknown as SifDescriptor;

test("every extra field is 384 bytes and reads back as written", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer(),
      fc.stringMatching(/^[0-9]{2}$/),
      fc.uint8Array({ minLength: 20, maxLength: 20 }),
      (first, second, arch, fingerprint) => {
        const partition = { fsType: first, partType: second, arch };
        const bytes = extra.encodePartitionExtra(partition);
        expect(bytes.length).toBe(EXTRA_BYTES);
        expect(extra.partitionExtra(withExtra(0x4004, bytes))).toEqual(partition);
        expect(extra.partitionExtra(withExtra(0x4007, bytes))).toBeUndefined();
        const signature = { hashType: first, fingerprint };
        expect(
          extra.signatureExtra(withExtra(0x4005, extra.encodeSignatureExtra(signature))),
        ).toEqual(signature);
        const codes = extra.encodeExtraCodes(first, second);
        expect(extra.extraCodes(withExtra(0x4008, codes))).toEqual([first, second]);
      },
    ),
  );
});

test("digestExtra() ends at the first NUL, or at the end of the field", () => {
  const digest = `sha256:${"ab".repeat(32)}`;
  const read = (bytes: Uint8Array): string => extra.digestExtra(withExtra(0x400a, bytes));
  expect(read(extra.encodeDigestExtra(digest))).toBe(digest);
  expect(read(new Uint8Array(EXTRA_BYTES).fill(0x61))).toBe("a".repeat(EXTRA_BYTES));
});

test("archName() and archCode() agree, and unlisted codes are unknown", () => {
  for (const name of ["386", "amd64", "arm64", "ppc64le", "riscv64", "loong64"]) {
    expect(archName(archCode(name) ?? "")).toBe(name);
  }
  expect(archName("02")).toBe("amd64");
  expect(["00", "14", "99", "zz", "1", "-1"].map(archName)).toEqual(Array(6).fill("unknown"));
  expect(archCode("sparc")).toBeUndefined();
  expect(dataTypeName(1)).toBe("Unknown");
});
