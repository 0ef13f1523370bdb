import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import fc from "fast-check";
import { memorySource, sliceSource } from "../../src/base/byte-source.ts";
import { Fault } from "../../src/base/fault.ts";
import { SquashfsTree } from "../../src/format/squashfs/tree.ts";
import { hostFiles } from "../../src/host/host-files.ts";
import { openFile } from "../../src/host/open-file.ts";
import { decompress } from "../../src/image/decompress.ts";
import { noTool } from "../support/host-lacks.ts";
import { testUnless } from "../support/skip.ts";
import { makeSampleTree, removeTree } from "./sample-tree.ts";
import { listTree } from "./tree-listing.ts";

const tree = makeSampleTree();
const work = mkdtempSync(`${tmpdir()}/skiff-squashfs.`);
afterAll(() => {
  removeTree(tree);
  rmSync(work, { recursive: true, force: true });
});
const expected = listTree(hostFiles(tree));
const lacks = noTool("mksquashfs");
let made = 0;

/** Makes an image; undefined when this mksquashfs cannot. */
function make(...options: string[]): string | undefined {
  const image = `${work}/${made++}.sqfs`;
  const argv = ["mksquashfs", tree, image, "-noappend", "-no-progress", "-quiet", ...options];
  const done = Bun.spawnSync(argv, { stdout: "ignore", stderr: "pipe" });
  return done.exitCode === 0 ? image : undefined;
}

function open(image: string, offset = 0): SquashfsTree {
  const file = openFile(image);
  if (typeof file === "number") throw new Error(`${image}: ${file}`);
  return new SquashfsTree(sliceSource(file.source, offset, file.source.sizeBytes), decompress);
}

const VARIANTS: readonly (readonly [string, ...string[]])[] = [
  ["gzip", "-comp", "gzip"],
  ["xz", "-comp", "xz"],
  ["lzo", "-comp", "lzo"],
  ["lz4", "-comp", "lz4"],
  ["lz4 high compression", "-comp", "lz4", "-Xhc"],
  ["zstd", "-comp", "zstd"],
  ["lzma", "-comp", "lzma"],
  ["blocks of 4 KiB", "-b", "4096"],
  ["blocks of 1 MiB", "-b", "1M", "-comp", "zstd"],
  ["gzip blocks of 1 MiB", "-b", "1M"],
  ["no padding", "-nopad"],
  ["fragments always", "-always-use-fragments"],
  ["no fragments", "-no-fragments"],
  ["nothing packed", "-noI", "-noD", "-noF", "-noX"],
  ["no duplicates check, no export table", "-no-duplicates", "-no-exports"],
  ["no xattrs", "-no-xattrs", "-all-root"],
];

describe("SquashfsTree", () => {
  for (const [name, ...options] of VARIANTS) {
    testUnless(lacks)(`reads every entry of an image made with: ${name}`, () => {
      const image = make(...options);
      if (image === undefined) return console.warn(`this mksquashfs cannot make: ${name}`);
      expect(listTree(open(image))).toEqual(expected);
    });
  }

  testUnless(lacks)("reads an image behind a launch line of 31 bytes", () => {
    const image = make("-offset", "31");
    if (image === undefined) throw new Error("mksquashfs failed");
    expect(listTree(open(image, 31))).toEqual(expected);
  });

  testUnless(lacks)("tells owners, devices and identity", () => {
    const nodes = [
      "-p",
      "null c 666 0 0 1 3",
      "-p",
      "gone c 000 0 0 0 0",
      "-p",
      "disk b 600 7 8 259 70000",
    ];
    const image = make("-p", "owned d 755 70000 123456", ...nodes);
    if (image === undefined) throw new Error("mksquashfs failed");
    const view = open(image);
    expect(view.lstat("/owned")).toMatchObject({ kind: "dir", uid: 70000, gid: 123456 });
    expect(view.lstat("/null")).toMatchObject({ kind: "char", mode: 0o666, special: "1:3" });
    expect(view.lstat("/gone")).toMatchObject({ kind: "char", special: "0:0" });
    expect(view.lstat("/disk")).toMatchObject({
      kind: "block",
      uid: 7,
      gid: 8,
      special: "259:70000",
    });
    expect(view.lstat("/empty")?.id).not.toBe(view.lstat("/text")?.id ?? "");
    expect(view.lstat("/set-id")?.mode).toBe(0o4755);
  });

  testUnless(lacks)("gives nothing for what is not there, and keeps to the limit", () => {
    const image = make();
    if (image === undefined) throw new Error("mksquashfs failed");
    const view = open(image);
    for (const path of ["/nope", "/etc/nope", "/empty/x", "/lib/deep", "/many/a", "/etc/passwd/"]) {
      expect(view.lstat(path)).toBeUndefined();
    }
    expect(view.list("/etc/passwd")).toBeUndefined();
    expect(view.read("/etc")).toBeUndefined();
    expect(view.read("/lib")).toBeUndefined();
    expect(view.read("/etc/group", 9)).toBeUndefined();
    expect(view.read("/etc/group", 10)?.length).toBe(10);
    expect(view.list("/many")?.length).toBe(1200);
    expect(view.lstat("/many/a-file-with-a-rather-long-name-777")?.kind).toBe("file");
  });

  testUnless(lacks ?? noTool("unsquashfs"))("lists what unsquashfs lists", () => {
    const image = make("-comp", "zstd");
    if (image === undefined) throw new Error("mksquashfs failed");
    const listed = Bun.spawnSync(["unsquashfs", "-l", "-d", "", image]).stdout.toString();
    const theirs = listed.split("\n").filter((line) => line.startsWith("/"));
    const ours = [...listTree(open(image)).keys()].filter((path) => path !== "");
    expect(ours.sort()).toEqual(theirs.sort());
  });

  testUnless(lacks)(
    "meets any damage with entries or a Fault, never with a loop or huge memory",
    () => {
      const images = ["gzip", "xz", "lzo", "lz4", "zstd"].flatMap((compressor) => {
        const image = make("-comp", compressor, "-e", "many", "text", "one-block", "holes");
        return image === undefined ? [] : [new Uint8Array(readFileSync(image))];
      });
      const place = fc.oneof(
        fc.nat(95),
        fc.nat(3000).map((n) => -1 - n),
        fc.nat(200_000),
      );
      const mutation = fc.record({ at: place, value: fc.nat(255) });
      fc.assert(
        fc.property(
          fc.nat(images.length - 1),
          fc.array(mutation, { minLength: 1, maxLength: 6 }),
          (index, mutations) => {
            const bytes = (images[index] ?? new Uint8Array()).slice();
            const used = Number(new DataView(bytes.buffer).getBigUint64(40, true));
            for (const { at, value } of mutations) {
              const where = at < 0 ? used + at : at;
              if (where >= 0 && where < bytes.length) bytes[where] = value;
            }
            try {
              listTree(new SquashfsTree(memorySource(bytes), decompress));
            } catch (error) {
              if (!(error instanceof Fault)) throw error;
              expect(error.code).toBe("invalid");
            }
          },
        ),
        { numRuns: 600 },
      );
    },
    60_000,
  );

  testUnless(lacks)("refuses every image that is cut off", () => {
    const image = make("-nopad");
    if (image === undefined) throw new Error("mksquashfs failed");
    const bytes = new Uint8Array(readFileSync(image));
    for (const length of [0, 4, 95, 96, 1000, bytes.length - 1]) {
      expect(() => new SquashfsTree(memorySource(bytes.slice(0, length)), decompress)).toThrow(
        Fault,
      );
    }
    expect(statSync(image).size).toBe(bytes.length);
  });
});

test("decompress() refuses bombs instead of unpacking them whole", () => {
  const zeros = new Uint8Array(40 * 1024 * 1024);
  const raw = Bun.deflateSync(zeros);
  const zlib = new Uint8Array([0x78, 0x9c, ...raw, 0, 0, 0, 0]);
  expect(decompress("gzip", zlib, 131072)).toBeUndefined();
  expect(decompress("zstd", Bun.zstdCompressSync(zeros), 131072)).toBeUndefined();
  for (const kind of ["gzip", "zstd", "xz", "lzma", "lz4", "lzo"] as const) {
    for (const input of [new Uint8Array(0), Uint8Array.of(1), new Uint8Array(64).fill(255)]) {
      expect(decompress(kind, input, 8192)).toBeUndefined();
    }
  }
});

test("decompress() gives exactly the limit when the block is full", () => {
  const block = new Uint8Array(8192).fill(7);
  const zlib = new Uint8Array([0x78, 0x9c, ...Bun.deflateSync(block), 0, 0, 0, 0]);
  expect(decompress("gzip", zlib, 8192)).toEqual(block);
  expect(decompress("zstd", Bun.zstdCompressSync(block), 8192)).toEqual(block);
});
