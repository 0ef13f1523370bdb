import fc from "fast-check";
import { decodeOsText } from "../../src/base/os-text.ts";
import type { Op, OpKind, WiredOp } from "../../src/ops/op.ts";
import { type FieldKind, OP_FIELDS } from "../../src/ops/op-fields.ts";

const kernelText = fc
  .oneof(
    fc.string({ unit: "binary" }).map((text) => text.replaceAll(/[\ud800-\udfff]/gu, "")),
    // Zeros go before decoding: taken out of a text they could join bytes to a character.
    fc.uint8Array({ maxLength: 40 }).map((bytes) => decodeOsText(bytes.filter((b) => b !== 0))),
    fc.string({ maxLength: 300 }),
  )
  .map((text) => text.replaceAll("\0", ""));

const u32 = fc.integer({ min: 0, max: 0xffffffff });

const values: { readonly [K in FieldKind]: fc.Arbitrary<unknown> } = {
  u32,
  i32: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  u64: fc.oneof(
    fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    fc.constant(Number.POSITIVE_INFINITY),
  ),
  str: kernelText,
  strs: fc.array(kernelText, { maxLength: 6 }),
  bytes: fc.uint8Array({ maxLength: 100 }),
};

const kinds = Object.keys(OP_FIELDS) as OpKind[];

/** Any op with any values: for tests of the codec on both sides. */
export const arbitraryOp: fc.Arbitrary<Op> = fc.constantFrom(...kinds).chain((kind) => {
  const fields = Object.entries(OP_FIELDS[kind]).map(([name, type]) => [name, values[type]]);
  return fc
    .record(Object.fromEntries(fields) as Record<string, fc.Arbitrary<unknown>>)
    .map((members) => ({ kind, ...members }) as unknown as Op);
});

/** Any stream of ops with fault texts. */
export const arbitraryOps: fc.Arbitrary<readonly WiredOp[]> = fc.array(
  fc.record({
    op: arbitraryOp,
    faults: fc.array(fc.record({ errno: u32, text: kernelText }), { maxLength: 3 }),
  }),
  { maxLength: 12 },
);
