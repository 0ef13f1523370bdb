import { expect, test } from "bun:test";
import fc from "fast-check";
import { Fault } from "../../src/base/fault.ts";
import { KeptMarks } from "../../src/format/oci/merge/kept-marks.ts";
import { type LayerEntry, layerArchive } from "./layer-archive.ts";
import { imageOf, listArchive, onePass, twoPasses } from "./merged-archive.ts";

/* An image is merged while its layers are read once: with what comes of reading them twice. */

const dir = (path: string): LayerEntry => ({ path, kind: "dir" });
const file = (path: string, content: string): LayerEntry => ({ path, content });
const hard = (path: string, link: string): LayerEntry => ({ path, kind: "hardlink", link });
const symlink = (path: string, link: string): LayerEntry => ({ path, kind: "symlink", link });
/** More than is kept in memory. */
const large = "0123456789".repeat(120_000);

/** Layers, how often each is read, and whether the whole is written again. */
const cases: readonly (readonly [
  what: string,
  layers: readonly (readonly LayerEntry[])[],
  opened: readonly number[],
  isForeseen?: boolean,
])[] = [
  [
    "layers as builders write them",
    [
      [
        dir("usr"),
        dir("usr/lib"),
        file("usr/lib/a", large),
        file("usr/lib/b", "b"),
        symlink("lib", "usr/lib"),
        dir("gone"),
        file("gone/x", large),
        dir("opaque"),
        file("opaque/x", large),
        file("usr/file-to-dir", "f"),
        { path: "usr/holes", content: "yz", sparse: [{ offset: 9000, length: 2 }] },
      ],
      [
        dir("usr"),
        dir("usr/lib"),
        file("usr/lib/b", large),
        hard("usr/lib/also-a", "usr/lib/a"),
        file(".wh.gone", ""),
        dir("opaque"),
        file("opaque/.wh..wh..opq", ""),
        file("opaque/y", large),
        dir("usr/file-to-dir"),
        file("usr/file-to-dir/f", large),
        { path: "usr/dev", kind: "char", major: 1, minor: 3 },
      ],
      [dir("usr"), dir("usr/lib"), file("usr/lib/.wh.also-a", ""), file("usr/lib/c", large)],
    ],
    [1, 1, 1],
  ],
  ["a bottom layer without directories", [[file("a/b/c", large), file("d/e", large)]], [1]],
  [
    "few bytes whose directories the layer does not describe",
    [[dir("a"), file("a/low", large)], [file("a/high", "little")]],
    [1, 1],
  ],
  [
    "many bytes whose directories the layer does not describe",
    [[dir("a"), file("a/low", large)], [file("a/high", large)]],
    [1, 2],
  ],
  [
    "a hard link that outlives its target",
    [
      [dir("a"), file("a/x", large), hard("a/y", "a/x")],
      [dir("a"), file("a/.wh.x", "")],
    ],
    [2, 1],
  ],
  [
    "a file through a link of its own layer",
    [[dir("a"), symlink("l", "a"), file("l/x", large)]],
    [2],
  ],
  ["a name that comes twice", [[dir("a"), file("a/x", large), file("a/x", "b")]], [2], false],
  [
    "a name that comes again through a link below",
    [
      [dir("a"), symlink("l", "a")],
      [dir("a"), file("a/x", large), file("l/x", "little")],
    ],
    [1, 2],
    false,
  ],
];

for (const [what, layers, opened, isForeseen = true] of cases) {
  test(`${what}: read ${opened.join(", ")} times from the bottom`, async () => {
    const archives = layers.map(layerArchive);
    const counts: number[] = [];
    const image = imageOf(archives, counts);
    const once = await onePass(image);
    expect(once !== undefined).toBe(isForeseen);
    // What was foreseen wrongly is written again.
    const again = once === undefined ? await twoPasses(imageOf(archives)) : once;
    if (isForeseen) expect(counts).toEqual([...opened]);
    expect(listArchive(again)).toEqual(listArchive(await twoPasses(imageOf(archives))));
  });
}

const name = fc.constantFrom("a", "b", "c", "d");
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const anyEntry: fc.Arbitrary<LayerEntry> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ path, content: fc.constantFrom("", "1", "22", "333") }) },
  { weight: 5, arbitrary: path.map(dir) },
  { weight: 2, arbitrary: fc.record({ path, link: path, kind: fc.constant("symlink" as const) }) },
  { weight: 2, arbitrary: fc.record({ path, link: path, kind: fc.constant("hardlink" as const) }) },
  { weight: 2, arbitrary: path.map((at) => ({ path: at.replace(/[^/]*$/, ".wh.$&") })) },
  { weight: 1, arbitrary: path.map((at) => ({ path: `${at}/.wh..wh..opq` })) },
);

/** Undefined for layers that are refused. */
async function unlessRefused<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return undefined;
  }
}

test("whatever the layers, reading them once gives what reading them twice gives", async () => {
  let foreseen = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(anyEntry, { maxLength: 10 }), { maxLength: 4 }),
      async (layers) => {
        const archives = layers.map(layerArchive);
        const twice = await unlessRefused(() => twoPasses(imageOf(archives)));
        const once = await unlessRefused(() => onePass(imageOf(archives)));
        if (once === undefined) return;
        if (twice === undefined) throw new Error("refused only when read twice");
        foreseen += 1;
        expect(listArchive(once)).toEqual(listArchive(twice));
      },
    ),
    { numRuns: 1000 },
  );
  expect(foreseen).toBeGreaterThan(200);
});

test("whatever a layer that stays one, reading it once gives what reading it twice gives", async () => {
  let foreseen = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(anyEntry, { maxLength: 10 }), async (entries) => {
      const archives = [layerArchive(entries)];
      const twice = await unlessRefused(() => twoPasses(imageOf(archives), new KeptMarks()));
      const once = await unlessRefused(() => onePass(imageOf(archives), new KeptMarks()));
      if (once === undefined) return;
      if (twice === undefined) throw new Error("refused only when read twice");
      foreseen += 1;
      expect(listArchive(once)).toEqual(listArchive(twice));
    }),
    { numRuns: 500 },
  );
  expect(foreseen).toBeGreaterThan(100);
});
