import { expect, test } from "bun:test";
import fc from "fast-check";
import { Fault } from "../../../base/fault.ts";
import { NO_XATTRS, type TarEntry } from "../../tar/tar-entry.ts";
import { TarReader } from "../../tar/tar-reader.ts";
import { TAR_END } from "../../tar/tar-writer.ts";
import { LayerMerge } from "./layer-merge.ts";
import { linkHeader, nodeHeader, planOutput } from "./merge-output.ts";
import type { MergedNode } from "./merged-node.ts";

const entry = (path: string, more: Partial<TarEntry> = {}): TarEntry => ({
  kind: "file",
  path,
  link: "",
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeSeconds: 5,
  sizeBytes: 0,
  major: 0,
  minor: 0,
  xattrs: NO_XATTRS,
  sparse: undefined,
  ...more,
});
const dir = (path: string): TarEntry => entry(path, { kind: "dir", mode: 0o755 });
const symlink = (path: string, link: string): TarEntry => entry(path, { kind: "symlink", link });
const hard = (path: string, link: string): TarEntry => entry(path, { kind: "hardlink", link });

function merge(layers: readonly (readonly TarEntry[])[]): LayerMerge {
  const merged = new LayerMerge(9);
  for (const [index, entries] of layers.entries()) {
    merged.beginLayer(`layer ${index}`);
    for (const [ordinal, one] of entries.entries()) merged.add(one, ordinal);
  }
  return merged;
}

/** Paths of everything in a root, with the place of the content where it has one. */
function paths(root: MergedNode): readonly string[] {
  const out: string[] = [];
  const visit = (node: MergedNode, at: string): void => {
    for (const [name, child] of node.children ?? []) {
      const path = `${at}${name}`;
      out.push(
        child.children === undefined ? `${path} ${child.layer}:${child.ordinal}` : `${path}/`,
      );
      visit(child, `${path}/`);
    }
  };
  visit(root, "");
  return out.sort();
}

const cases: readonly (readonly [
  what: string,
  layers: readonly (readonly TarEntry[])[],
  expected: readonly string[],
])[] = [
  ["a mark removes what is below", [[dir("a"), entry("a/b")], [entry(".wh.a")]], []],
  [
    "a mark leaves what its own layer wrote, before and after it",
    [[entry("a/low")], [entry("a/one"), entry(".wh.a"), entry("a/two")]],
    ["a/", "a/one 1:0", "a/two 1:2"],
  ],
  [
    "an opaque directory keeps only what its own layer wrote",
    [
      [entry("a/b/low"), entry("a/low")],
      [entry("a/.wh..wh..opq"), entry("a/b/high")],
    ],
    ["a/", "a/b/", "a/b/high 1:1"],
  ],
  ["an opaque root is emptied", [[entry("a")], [entry(".wh..wh..opq"), entry("b")]], ["b 1:1"]],
  ["other marks of aufs mean nothing", [[entry("a")], [entry(".wh..wh.plnk")]], ["a 0:0"]],
  [
    "a removed file lives on under another name",
    [[entry("a"), hard("b", "a")], [entry(".wh.a")]],
    ["b 0:0"],
  ],
  [
    "a link reaches into lower layers",
    [[entry("a")], [hard("b", "/a")], [entry(".wh.a")]],
    ["b 0:0"],
  ],
  [
    "a replaced name breaks the link",
    [[entry("a"), hard("b", "a")], [entry("a")]],
    ["a 1:0", "b 0:0"],
  ],
  [
    "parents that are links are followed",
    [[dir("x"), symlink("l", "x")], [entry("l/f")]],
    ["l 0:1", "x/", "x/f 1:0"],
  ],
  [
    "links never lead out of the root",
    [[symlink("l", "../../../etc"), entry("l/passwd")]],
    ["etc/", "etc/passwd 0:1", "l 0:0"],
  ],
  ["a directory replaces a link to one", [[dir("x"), symlink("l", "x")], [dir("l")]], ["l/", "x/"]],
  ["a file replaces a directory", [[entry("a/b")], [entry("a")]], ["a 1:0"]],
  ["a directory keeps what is in it", [[entry("a/b")], [dir("a")]], ["a/", "a/b 0:0"]],
  [
    "absolute names and dots begin at the root",
    [[entry("/a"), entry("./b/./c"), entry("d/../e")]],
    ["a 0:0", "b/", "b/c 0:1", "e 0:2"],
  ],
  ["the later of two entries counts", [[entry("a"), entry("a")]], ["a 0:1"]],
  ["a link to itself changes nothing", [[entry("a"), hard("a", "a")]], ["a 0:0"]],
];

for (const [what, layers, expected] of cases) {
  test(`LayerMerge: ${what}`, () => {
    expect(paths(merge(layers).root)).toEqual([...expected]);
  });
}

test("LayerMerge takes a directory's attributes from the topmost layer and drops earlier ones", () => {
  const attributed = { ...dir("a"), uid: 1, xattrs: new Map([["user.x", new Uint8Array(1)]]) };
  const { root } = merge([[attributed], [{ ...dir("a"), mode: 0o700, uid: 2 }]]);
  const node = root.children?.get("a");
  expect(node).toMatchObject({ mode: 0o700, uid: 2 });
  expect(node?.xattrs.size).toBe(0);
});

test("LayerMerge leaves out attributes that an image cannot hold", () => {
  const names = [
    "user.a",
    "trusted.b",
    "security.capability",
    "security.selinux",
    "system.nfs4_acl",
  ];
  const xattrs = new Map(names.map((name) => [name, new Uint8Array(1)]));
  const { root } = merge([[entry("a", { xattrs })]]);
  expect([...(root.children?.get("a")?.xattrs.keys() ?? [])]).toEqual(names.slice(0, 3));
});

const refused: readonly (readonly [what: string, entry: TarEntry, why: string])[] = [
  ["a name that leads out", entry("../a"), "out of the root"],
  ["a name that leads out in the end", entry("a/../../b"), "out of the root"],
  ["a link to a name that leads out", hard("a", "../../etc/passwd"), "out of the root"],
  ["a link to nothing", hard("a", "none"), "does not exist"],
  ["a link to a directory", hard("a", "dir"), "is a directory"],
  ["a file in place of the root", entry("./"), "the root itself"],
  ["a mark for nothing", entry("dir/.wh."), "marks nothing"],
  ["a mark for the directory above", entry("dir/.wh..."), "marks nothing"],
  ["a name that is too long", entry("n".repeat(256)), "255 bytes"],
  ["a path that is too long", entry("n/".repeat(2100)), "longer than"],
  ["links in a circle", entry("loop/a"), "too many symbolic links"],
  ["a device that cannot be", entry("d", { kind: "char", major: 4096 }), "4096:0"],
];

for (const [what, bad, why] of refused) {
  test(`LayerMerge refuses ${what}, naming layer and entry`, () => {
    const base = [dir("dir"), symlink("loop", "loop")];
    let message = "";
    try {
      merge([base, [bad]]);
    } catch (error) {
      message = error instanceof Fault ? error.message : `${error}`;
    }
    expect(message).toStartWith(`Cannot use the layer 1, at "${bad.path}": `);
    expect(message).toContain(why);
  });
}

test("LayerMerge bounds paths that grow through links", () => {
  const layer: TarEntry[] = [];
  let target = "";
  for (let i = 0; i < 40; i++) {
    const deep = `${target === "" ? "" : `l${i - 1}/`}${"d/".repeat(400)}`;
    layer.push(dir(`${deep}x`), symlink(`l${i}`, `${target}${deep.replace(/^l\d+\//, "")}`));
    target += "d/".repeat(400);
  }
  expect(() => merge([layer])).toThrow(Fault);
});

const word = fc.constantFrom("a", "b", "..", ".", ".wh.a", ".wh..wh..opq", "", "c");
const path = fc.array(word, { maxLength: 5 }).map((words) => words.join("/"));
const anyEntry = fc
  .record({
    kind: fc.constantFrom("file", "dir", "symlink", "hardlink", "char", "fifo" as const),
    path,
    link: path,
    sizeBytes: fc.nat(3),
  })
  .map(({ kind, ...rest }) =>
    entry(rest.path, { ...rest, kind, sizeBytes: kind === "file" ? rest.sizeBytes : 0 }),
  );

test("whatever the layers, the output has clean names, parents first, each name once", () => {
  fc.assert(
    fc.property(fc.array(fc.array(anyEntry, { maxLength: 15 }), { maxLength: 4 }), (layers) => {
      const merged = new LayerMerge(9);
      for (const [index, entries] of layers.entries()) {
        merged.beginLayer(`layer ${index}`);
        for (const [ordinal, one] of entries.entries()) {
          try {
            merged.add(one, ordinal);
          } catch (error) {
            if (!(error instanceof Fault)) throw error;
          }
        }
      }
      const output = planOutput(merged.root, layers.length);
      const archive: Uint8Array[] = [];
      for (const { path: at, node } of output.first)
        archive.push(nodeHeader(at, node, undefined, 100));
      for (const files of output.streamed) {
        for (const { path: at, node } of files.values()) {
          archive.push(nodeHeader(at, { ...node, sizeBytes: 0 }, undefined, 100));
        }
      }
      for (const { path: at, target, node } of output.links) {
        archive.push(linkHeader(at, target, node, 100));
      }
      archive.push(TAR_END);
      const seen = new Set<string>();
      const directories = new Set([""]);
      const reader = new TarReader(
        {
          entry(made) {
            const parts = made.path.split("/");
            expect(parts.every((part) => part !== "" && part !== "." && part !== "..")).toBe(true);
            expect(directories.has(parts.slice(0, -1).join("/"))).toBe(true);
            expect(seen.has(made.path)).toBe(false);
            seen.add(made.path);
            if (made.kind === "dir") directories.add(made.path);
            if (made.kind === "hardlink") expect(seen.has(made.link)).toBe(true);
            return false;
          },
          data() {},
          endOfData() {},
        },
        "output",
      );
      for (const piece of archive) reader.push(piece);
      reader.end();
      expect(seen.size).toBe(paths(merged.root).length);
    }),
    { numRuns: 300 },
  );
});
