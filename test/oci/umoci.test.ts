import { expect } from "bun:test";
import { rmSync } from "node:fs";
import fc from "fast-check";
import { noTool, notRoot } from "../support/host-lacks.ts";
import { run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { convertLocal, unpackSif } from "./convert-layout.ts";
import { type LayerEntry, layerArchive } from "./layer-archive.ts";
import { writeLayout } from "./oci-layout.ts";
import { differences, type Listing, listTree } from "./tree-listing.ts";

const dir = scratch("self");
const lack = firstReason(notRoot(), noTool("umoci"), noTool("mksquashfs"), noTool("unsquashfs"));
const startSeconds = Math.floor(Date.now() / 1000);

/** What every image gets besides its own files. */
const ADDED =
  /^\/(?:\.singularity\.d|\.exec|\.run|\.shell|\.test|singularity|environment|etc\/hosts|etc\/resolv\.conf)(?:\/|$)/;
const MADE = /^\/(?:dev|proc|sys|root|var|var\/tmp|tmp|etc|home)?$/;

let count = 0;
let refusals: string[] = [];
let said = "";

/** The tree that umoci unpacks and the one in the SIF; undefined for what is refused. */
async function both(
  layers: readonly (readonly LayerEntry[])[],
): Promise<readonly [Listing | undefined, Listing | undefined]> {
  const place = `${dir}/${count++}`;
  refusals = [];
  const packings = ["gzip", "zstd", "plain"] as const;
  writeLayout(`${place}/layout`, [
    {
      tag: "t",
      // This version of umoci knows no zstd.
      layers: layers.map((entries, i) => ({
        archive: layerArchive(entries),
        packing: packings[i % 2 === 0 ? 0 : 2] ?? "gzip",
      })),
    },
  ]);
  const peer = await run(["umoci", "unpack", "--image", `${place}/layout:t`, `${place}/bundle`], {
    as: "self",
  });
  said = peer.stderr;
  let ours: Listing | undefined;
  try {
    await convertLocal("oci", `${place}/layout:t`, `${place}/image.sif`);
    await unpackSif(`${place}/image.sif`, `${place}/root`);
    ours = listTree(`${place}/root`);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "Fault") throw error;
    refusals.push(error.message, peer.stderr);
  }
  const theirs = peer.code === 0 ? listTree(`${place}/bundle/rootfs`) : undefined;
  if (theirs === undefined || ours === undefined) return [theirs, ours];
  const found = [theirs, comparable(theirs, ours)] as const;
  rmSync(place, { recursive: true, force: true });
  return found;
}

/** Our listing without what is added, and with the time of the clock where the other tool takes that. */
function comparable(theirs: Listing, ours: Listing): Listing {
  const out = new Map<string, string>();
  for (const [name, line] of ours) {
    if (ADDED.test(name)) continue;
    const other = theirs.get(name);
    if (other === undefined && MADE.test(name)) continue;
    const words = line.split(" ");
    const theirWords = other?.split(" ") ?? [];
    // Nobody said a time for these directories: the other tool takes the clock's, or 0 for the root.
    const time = Number(theirWords[4]);
    const isUnsaid = time >= startSeconds || (name === "/" && time === 0);
    if (words[0] === "40000" && isUnsaid) words[4] = String(time);
    out.set(name, words.join(" "));
  }
  return out;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const capability = Uint8Array.from([1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
const long = "n".repeat(200);

/** Base, changes, more changes: each kind of entry and of change once. */
const NASTY: readonly (readonly LayerEntry[])[] = [
  [
    { path: "./", kind: "dir", mode: 0o750, uid: 3, gid: 4, mtimeSeconds: 77 },
    { path: "gone", kind: "dir" },
    { path: "gone/deep", kind: "dir" },
    { path: "gone/deep/file", content: "x" },
    { path: "opaque", kind: "dir", mode: 0o1777 },
    { path: "opaque/low", content: "low" },
    { path: "opaque/kept", content: "low" },
    { path: "opaque/sub", kind: "dir" },
    { path: "opaque/sub/low", content: "low" },
    { path: "opaque/sub/kept", content: "low" },
    { path: "hard/one", content: "one" },
    { path: "hard/two", kind: "hardlink", link: "hard/one" },
    { path: "hard/base", content: "base" },
    { path: "hard/broken", kind: "hardlink", link: "hard/base" },
    { path: "type/file-to-dir", content: "f" },
    { path: "type/dir-to-file", kind: "dir" },
    { path: "type/dir-to-file/inside", content: "f" },
    { path: "type/link-to-dir", kind: "symlink", link: "../type/target" },
    { path: "type/dir-to-link", kind: "dir" },
    { path: "type/target", kind: "dir" },
    { path: "real/lib", kind: "dir" },
    { path: "lib", kind: "symlink", link: "real/lib" },
    { path: "abs", kind: "symlink", link: "/real/lib" },
    { path: "escape", kind: "symlink", link: "../../../../../../etc" },
    { path: "dangling", kind: "symlink", link: "nowhere/at/all" },
    {
      path: "attrs",
      kind: "dir",
      mode: 0o2755,
      uid: 70_000,
      gid: 3_000_000,
      xattrs: new Map([["user.dir", text("old")]]),
    },
    {
      path: "attrs/file",
      mode: 0o4711,
      content: "a",
      xattrs: new Map([
        ["user.a", text("1")],
        ["security.capability", capability],
      ]),
    },
    {
      path: "attrs/trusted",
      content: "t",
      xattrs: new Map([["trusted.x", Uint8Array.from([0, 255, 10])]]),
    },
    { path: "dev/null", kind: "char", mode: 0o666, major: 1, minor: 3 },
    { path: "dev/disk", kind: "block", mode: 0o660, gid: 6, major: 259, minor: 70_000 },
    { path: "dev/pipe", kind: "fifo", mode: 0o600 },
    { path: `${long}/${long}/${long}`, content: "long" },
    { path: "longlink", kind: "symlink", link: `/${long}/${long}/../x` },
    { path: "latin\udce9", content: "bytes" },
    { path: "new\nline \u{1F600}", content: "odd" },
    { path: "empty" },
    {
      path: "sparse",
      sparse: [
        { offset: 4096, length: 3 },
        { offset: 1_000_000, length: 4 },
      ],
      content: "abcdefg",
    },
    {
      path: "sparse-start",
      sparse: [
        { offset: 0, length: 5 },
        { offset: 300_000, length: 1 },
      ],
      content: "startx",
    },
    { path: "all-hole", sparse: [], content: "" },
    { path: "big", content: new Uint8Array(400_000).fill(5) },
    { path: "modes/none", mode: 0, content: "secret" },
    { path: "modes/all", mode: 0o7777, content: "x" },
    { path: "old", content: "time", mtimeSeconds: 0 },
    { path: "twice", content: "first" },
    { path: "twice", content: "second" },
  ],
  [
    { path: ".wh.gone" },
    { path: "opaque/kept", content: "high" },
    { path: "opaque/.wh..wh..opq" },
    { path: "opaque/sub/high", content: "high" },
    { path: "opaque/sub/kept", content: "high" },
    { path: "hard/three", kind: "hardlink", link: "hard/two" },
    { path: "hard/.wh.one" },
    { path: "hard/broken", content: "new" },
    { path: "type/file-to-dir", kind: "dir" },
    { path: "type/file-to-dir/inside", content: "n" },
    { path: "type/dir-to-file", content: "n" },
    { path: "type/link-to-dir", kind: "dir" },
    { path: "type/link-to-dir/inside", content: "n" },
    { path: "type/dir-to-link", kind: "symlink", link: "target" },
    { path: "lib/through-link", content: "lib" },
    { path: "abs/through-absolute", content: "lib" },
    { path: "escape/inside", content: "no way out" },
    {
      path: "attrs",
      kind: "dir",
      mode: 0o755,
      uid: 1,
      xattrs: new Map([["user.new", text("new")]]),
    },
    { path: ".wh..wh.plnk" },
    { path: "nothing/.wh.here" },
    { path: "/absolute/name", content: "abs" },
    { path: "x/../dotted", content: "dots" },
    { path: "linked", kind: "hardlink", link: "/lib/through-link" },
    { path: "symlinked", kind: "hardlink", link: "lib" },
    // Marks do not touch what their own layer has, whatever comes first.
    { path: "same/file", content: "same" },
    { path: "same/.wh.file" },
    { path: "same/.wh..wh..opq" },
  ],
  [
    { path: "./", kind: "dir", mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 1_234_567 },
    { path: "hard/four", kind: "hardlink", link: "hard/three" },
    { path: "hard/two", content: "replaced" },
    { path: "gone", content: "back as a file" },
    { path: "opaque/.wh.kept" },
    { path: "real/.wh.lib" },
    { path: "real/lib", kind: "dir" },
  ],
];

testUnless(lack)(
  "a SIF holds what umoci unpacks, entry by entry, with every oddity",
  async () => {
    const [theirs, ours] = await both(NASTY);
    if (theirs === undefined || ours === undefined) throw new Error(refusals.join("\n"));
    expect(theirs.size).toBeGreaterThan(50);
    expect(differences(theirs, ours)).toEqual([]);
  },
  60_000,
);

const name = fc.constantFrom("a", "b", "c");
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const anyEntry: fc.Arbitrary<LayerEntry> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ path, content: fc.constantFrom("1", "22", "333") }) },
  {
    weight: 4,
    arbitrary: fc.record({
      path,
      kind: fc.constant("dir" as const),
      mode: fc.constantFrom(0o700, 0o755),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      path,
      kind: fc.constant("symlink" as const),
      link: fc.oneof(
        path,
        path.map((to) => `/${to}`),
        path.map((to) => `../${to}`),
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      path,
      kind: fc.constant("hardlink" as const),
      // One that is always there, so that not all is refused.
      link: fc.oneof({ weight: 8, arbitrary: fc.constant("kept") }, path),
    }),
  },
  {
    weight: 2,
    arbitrary: path.map((at) => ({ path: at.replace(/[^/]*$/, (last) => `.wh.${last}`) })),
  },
  { weight: 1, arbitrary: path.map((at) => ({ path: `${at}/.wh..wh..opq` })) },
);

testUnless(lack)(
  "random layers give what umoci gives, or are refused by both",
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(anyEntry, { maxLength: 12 }), { minLength: 1, maxLength: 4 }),
        async (layers) => {
          const [theirs, ours] = await both([[{ path: "kept", content: "kept" }], ...layers]);
          // That tool removes no file that stands where a parent should be.
          if (theirs === undefined && ours !== undefined && /not a directory/.test(said)) return;
          if (theirs === undefined || ours === undefined) {
            if (process.env["SKIFF_TEST_RUNS"] !== undefined) console.log(refusals, said);
            expect([theirs === undefined, ours === undefined]).toEqual([true, true]);
            return;
          }
          expect(differences(theirs, ours)).toEqual([]);
        },
      ),
      { numRuns: Number(process.env["SKIFF_TEST_RUNS"] ?? 15), endOnFailure: true },
    );
  },
  600_000,
);
