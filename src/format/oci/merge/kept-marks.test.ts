import { expect, test } from "bun:test";
import fc from "fast-check";
import { NO_XATTRS, type TarEntry } from "../../tar/tar-entry.ts";
import { KeptMarks } from "./kept-marks.ts";
import { layOver } from "./lay-over.ts";
import { LayerMerge } from "./layer-merge.ts";
import { impliedDirectory, type MergedNode } from "./merged-node.ts";
import { mergedView } from "./merged-view.ts";

const TIME = 1_000_000_000;

function entry(path: string, kind: TarEntry["kind"]): TarEntry {
  return {
    ...{ kind, path, link: "", mode: 0o755, uid: 0, gid: 0, mtimeSeconds: TIME, sizeBytes: 0 },
    ...{ major: 0, minor: 0, xattrs: NO_XATTRS, sparse: undefined },
  };
}

/** One layer alone, its marks kept for what is below. */
function keep(layer: readonly TarEntry[], lower: MergedNode | undefined): MergedNode {
  const marks = new KeptMarks();
  const merge = new LayerMerge(TIME, marks);
  merge.beginLayer("layer");
  for (const [ordinal, one] of layer.entries()) merge.add(one, ordinal);
  marks.finish(merge.root, lower && mergedView(lower));
  return merge.root;
}

function applied(layers: readonly (readonly TarEntry[])[]): MergedNode {
  const merge = new LayerMerge(TIME);
  for (const layer of layers) {
    merge.beginLayer("layer");
    for (const [ordinal, one] of layer.entries()) merge.add(one, ordinal);
  }
  return merge.root;
}

function laid(layers: readonly (readonly TarEntry[])[]): MergedNode {
  const root = impliedDirectory(TIME);
  for (const layer of layers) layOver(root, keep(layer, root));
  return root;
}

function shape(node: MergedNode): unknown {
  const { children, kind } = node;
  if (children === undefined) return kind;
  const names = [...children].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(names.map(([name, child]) => [name, shape(child)]));
}

const name = fc.constantFrom("a", "b", "c");
const path = fc.array(name, { minLength: 1, maxLength: 3 });
const oneEntry = fc.oneof(
  path.map((parts) => entry(parts.join("/"), "file")),
  path.map((parts) => entry(parts.join("/"), "dir")),
  path.map((parts) => entry([...parts.slice(0, -1), `.wh.${parts.at(-1)}`].join("/"), "file")),
  path.map((parts) => entry([...parts, ".wh..wh..opq"].join("/"), "file")),
);

test("layers that keep their marks show, laid over each other, what they make when they are merged", () => {
  fc.assert(
    fc.property(fc.array(fc.array(oneEntry, { maxLength: 8 }), { maxLength: 4 }), (layers) => {
      expect(shape(laid(layers))).toEqual(shape(applied(layers)));
    }),
    { numRuns: 1000 },
  );
});

test("a directory that hides another says so by a mark for each name that is there", () => {
  const lower = applied([[entry("d/old", "file"), entry("d/sub/deep", "file")]]);
  const layer = [entry("d", "dir"), entry("d/.wh..wh..opq", "file"), entry("d/sub/new", "file")];
  expect(shape(keep(layer, lower))).toEqual({
    d: { old: "char", sub: { deep: "char", new: "file" } },
  });
});

test("a directory that hides what nobody knows says so by attributes", () => {
  const root = keep([entry("d", "dir"), entry("d/.wh..wh..opq", "file")], undefined);
  const names = [...(root.children?.get("d")?.xattrs.keys() ?? [])];
  expect(names).toEqual(["trusted.overlay.opaque", "user.overlay.opaque"]);
});

test("attributes by which overlays would hide something are no marks of a layer", () => {
  const yes = new Uint8Array([121]);
  const names = ["user.overlay.opaque", "trusted.overlay.redirect", "user.overlays"];
  const xattrs = new Map(names.map((name) => [name, yes]));
  const root = keep([{ ...entry("d", "dir"), xattrs }], undefined);
  expect([...(root.children?.get("d")?.xattrs.keys() ?? [])]).toEqual(["user.overlays"]);
});

test("a directory that a layer does not describe is as the layer right below left it", () => {
  const described = (mode: number): TarEntry[] =>
    ["./", "a"].map((at) => ({ ...entry(at, "dir"), mode, uid: mode }));
  const root = laid([described(0o700), described(0o750)]);
  const top = keep([entry("a/file", "file")], root);
  const seen = [top, top.children?.get("a")].map((node) => [node?.mode, node?.uid]);
  expect(seen).toEqual([
    [0o750, 0o750],
    [0o750, 0o750],
  ]);
});
