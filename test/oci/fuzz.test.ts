import { expect, test } from "bun:test";
import fc from "fast-check";
import { Fault } from "../../src/base/fault.ts";
import { type LayerEntry, layerArchive } from "./layer-archive.ts";
import { imageOf, listArchive, onePass, twoPasses } from "./merged-archive.ts";

/* Layers with damaged bytes on the whole way from the compressed layer to the merged archive. */

const long = "long/".repeat(40);
const lower: readonly LayerEntry[] = [
  { path: "a/", kind: "dir" },
  { path: "a/file", content: "x".repeat(3000), xattrs: new Map([["user.x", new Uint8Array(9)]]) },
  { path: "a/link", kind: "symlink", link: "../b" },
  { path: `${long}name`, content: "deep" },
  { path: "hard", kind: "hardlink", link: "a/file" },
  { path: "dev", kind: "char", major: 1, minor: 3 },
  { path: "holes", content: "yz", sparse: [{ offset: 100_000, length: 2 }] },
  { path: "big", content: "0123456789".repeat(20_000), uid: 3_000_000 },
];
const upper: readonly LayerEntry[] = [
  { path: "a/.wh.file" },
  { path: `${long}.wh..wh..opq` },
  { path: "b/", kind: "dir" },
  { path: "a/link/through", content: "in b" },
  { path: "again", kind: "hardlink", link: "hard" },
];

/** A change of an archive: bytes set somewhere, cut off, or doubled. */
const damage = fc.oneof(
  fc.record({
    what: fc.constant("set" as const),
    at: fc.nat(),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
  }),
  // Where headers are, so that more than contents is met.
  fc.record({
    what: fc.constant("set" as const),
    at: fc.tuple(fc.nat(60), fc.nat(511)).map(([block, byte]) => block * 512 + byte),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 3 }),
  }),
  fc.record({ what: fc.constant("cut" as const), at: fc.nat() }),
  fc.record({ what: fc.constant("move" as const), at: fc.nat(), to: fc.nat() }),
);

function damaged(
  archive: Uint8Array<ArrayBuffer>,
  changes: readonly (typeof damage extends fc.Arbitrary<infer One> ? One : never)[],
): Uint8Array<ArrayBuffer> {
  let bytes = archive.slice();
  for (const change of changes) {
    const at = change.at % Math.max(1, bytes.length);
    if (change.what === "cut") bytes = bytes.slice(0, at);
    else if (change.what === "set") bytes.set(change.bytes.slice(0, bytes.length - at), at);
    else bytes.copyWithin(change.to % Math.max(1, bytes.length), at, at + 512);
    if (bytes.length > 148 + 512) sealHeader(bytes, at - (at % 512));
  }
  return bytes;
}

/** Makes the sum of a header right again: what is behind it is to be met, not the sum alone. */
function sealHeader(bytes: Uint8Array, block: number): void {
  if (block + 512 > bytes.length || bytes[block + 257] !== 0x75) return;
  bytes.fill(0x20, block + 148, block + 156);
  let sum = 0;
  for (let i = block; i < block + 512; i++) sum += bytes[i] ?? 0;
  const text = `${sum.toString(8).padStart(6, "0")}\0 `;
  bytes.set(new TextEncoder().encode(text), block + 148);
}

const packings = [
  (bytes: Uint8Array<ArrayBuffer>) => bytes,
  (bytes: Uint8Array<ArrayBuffer>) => Uint8Array.from(Bun.gzipSync(bytes)),
  (bytes: Uint8Array<ArrayBuffer>) => Uint8Array.from(Bun.zstdCompressSync(bytes)),
];

test("damaged layers are refused with a Fault or give an archive without a way out of its root", async () => {
  const archives = [layerArchive(lower), layerArchive(upper)];
  let refused = 0;
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(damage, { maxLength: 4 }),
      fc.array(damage, { maxLength: 2 }),
      fc.nat(2),
      async (first, second, packing) => {
        const pack = packings[packing] ?? ((bytes) => bytes);
        const layers = [first, second].map((changes, i) =>
          pack(damaged(archives[i] ?? new Uint8Array(0), changes)),
        );
        const image = imageOf(layers);
        let whole: Uint8Array;
        try {
          whole = await twoPasses(image);
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
          expect(error.message).toContain("layer sha256:");
          refused += 1;
          // Which of several faults is met first may differ, not that there is one.
          await expect(onePass(image)).rejects.toThrow(/layer sha256:/);
          return;
        }
        taken += 1;
        const expected = listArchive(whole);
        const once = await onePass(image);
        if (once !== undefined) expect(listArchive(once)).toEqual(expected);
      },
    ),
    { numRuns: 400 },
  );
  // Both ways out were met, so the changes are neither harmless nor too harsh.
  expect(refused).toBeGreaterThan(20);
  expect(taken).toBeGreaterThan(20);
}, 60_000);
