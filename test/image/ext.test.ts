import { afterAll, describe, expect } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import fc from "fast-check";
import { memorySource } from "../../src/base/byte-source.ts";
import { Fault } from "../../src/base/fault.ts";
import { ExtTree } from "../../src/format/ext3/tree.ts";
import { hostFiles } from "../../src/host/host-files.ts";
import { openFile } from "../../src/host/open-file.ts";
import { noTool } from "../support/host-lacks.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { makeSampleTree, removeTree } from "./sample-tree.ts";
import { listTree } from "./tree-listing.ts";

const tree = makeSampleTree();
const work = mkdtempSync(`${tmpdir()}/skiff-ext.`);
afterAll(() => {
  removeTree(tree);
  rmSync(work, { recursive: true, force: true });
});
const expected = listTree(hostFiles(tree));
const lacks = noTool("mke2fs");
const PATH = "/usr/sbin:/sbin:/usr/bin:/bin";
let made = 0;

function make(...options: string[]): string {
  const image = `${work}/${made++}.img`;
  const argv = ["mke2fs", "-q", "-F", "-d", tree, ...options, image, "24M"];
  const done = Bun.spawnSync(argv, { env: { PATH }, stdout: "ignore", stderr: "pipe" });
  if (done.exitCode !== 0) throw new Error(done.stderr.toString());
  return image;
}

function debugfs(image: string, command: string): string {
  const argv = ["debugfs", "-w", "-R", command, image];
  return Bun.spawnSync(argv, { env: { PATH }, stdout: "pipe", stderr: "ignore" }).stdout.toString();
}

function open(image: string): ExtTree {
  const file = openFile(image);
  if (typeof file === "number") throw new Error(`${image}: ${file}`);
  return new ExtTree(file.source);
}

/** What the tool itself makes besides the tree. */
function withoutLostAndFound(listing: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...listing].filter(([path]) => path !== "/lost+found"));
}

describe("ExtTree", () => {
  for (const [name, ...options] of [
    ["ext2", "-t", "ext2"],
    ["ext3", "-t", "ext3"],
    ["ext4", "-t", "ext4"],
    ["ext3 with blocks of 1 KiB", "-t", "ext3", "-b", "1024"],
    ["ext4 with blocks of 1 KiB and 64 bit descriptors", "-t", "ext4", "-b", "1024", "-O", "64bit"],
    ["ext4 without extents", "-t", "ext4", "-O", "^extents,^64bit"],
    ["small inodes", "-t", "ext3", "-I", "128"],
    ["few inodes per group", "-t", "ext4", "-g", "2048", "-b", "1024"],
  ] as const) {
    testUnless(lacks)(`reads every entry of ${name}`, () => {
      expect(withoutLostAndFound(listTree(open(make(...options))))).toEqual(new Map(expected));
    });
  }

  testUnless(firstReason(lacks, noTool("debugfs")))("tells owners, large ids and devices", () => {
    const image = make("-t", "ext3");
    debugfs(image, "mknod null c 1 3");
    debugfs(image, "mknod gone c 0 0");
    // The tool takes small numbers only; the kernel's wide form is put in by hand: 259:70000.
    debugfs(image, "mknod disk b 8 17");
    debugfs(image, "set_inode_field disk block[0] 0");
    debugfs(image, "set_inode_field disk block[1] 0x11110370");
    for (const [field, value] of [
      ["uid", 70000],
      ["gid", 123456],
    ]) {
      debugfs(image, `set_inode_field etc ${field} ${value}`);
    }
    const view = open(image);
    expect(view.lstat("/null")).toMatchObject({ kind: "char", special: "1:3" });
    expect(view.lstat("/gone")).toMatchObject({ kind: "char", special: "0:0" });
    expect(view.lstat("/disk")).toMatchObject({ kind: "block", special: "259:70000" });
    expect(view.lstat("/etc")).toMatchObject({ kind: "dir", uid: 70000, gid: 123456 });
  });

  testUnless(firstReason(lacks, noTool("debugfs")))("lists what debugfs lists", () => {
    const image = make("-t", "ext4");
    for (const path of ["/", "/etc", "/many"]) {
      const theirs = debugfs(image, `ls -p ${path}`)
        .split("\n")
        .map((line) => line.split("/"))
        .map((fields) => fields[5] ?? "")
        .filter((name) => name !== "" && name !== "." && name !== "..");
      expect([...(open(image).list(path) ?? [])].sort()).toEqual(theirs.sort());
    }
  });

  testUnless(lacks)("gives nothing for what is not there, and keeps to the limit", () => {
    const view = open(make("-t", "ext3"));
    for (const path of ["/nope", "/etc/nope", "/empty/x", "/lib/deep", "/etc/passwd/"]) {
      expect(view.lstat(path)).toBeUndefined();
    }
    expect(view.list("/etc/passwd")).toBeUndefined();
    expect(view.read("/etc")).toBeUndefined();
    expect(view.read("/etc/group", 9)).toBeUndefined();
    expect(view.read("/etc/group", 10)?.length).toBe(10);
  });

  testUnless(lacks)("refuses a wrong magic, cut off images and layouts it cannot read", () => {
    const bytes = new Uint8Array(readFileSync(make("-t", "ext3")));
    const changed = (at: number, value: number): Uint8Array => {
      const copy = bytes.slice();
      copy[at] = value;
      return copy;
    };
    const openBytes = (b: Uint8Array) => () => new ExtTree(memorySource(b));
    expect(openBytes(changed(1080, 0))).toThrow("magic number is missing");
    expect(openBytes(bytes.slice(0, 2047))).toThrow("shorter than a superblock");
    expect(openBytes(bytes.slice(0, 1_000_000))).toThrow("it claims");
    expect(openBytes(changed(1024 + 96, 0x12))).toThrow("feature 0x10");
    expect(openBytes(changed(1024 + 24, 40))).toThrow("block size");
  });

  testUnless(lacks)(
    "meets any damage with entries or a Fault, never with a loop or huge memory",
    () => {
      const images = [make("-t", "ext3", "-b", "1024"), make("-t", "ext4", "-b", "1024")].map(
        (path) => new Uint8Array(readFileSync(path)),
      );
      // Superblock and descriptors, then the front of the first group: bitmaps, inodes, directories.
      const place = fc.oneof(
        fc.nat(300).map((n) => 1024 + n),
        fc.nat(500).map((n) => 2048 + n),
        fc.nat(700_000),
      );
      const mutation = fc.record({ at: place, value: fc.oneof(fc.nat(255), fc.constant(255)) });
      fc.assert(
        fc.property(
          fc.nat(images.length - 1),
          fc.array(mutation, { minLength: 1, maxLength: 6 }),
          (index, mutations) => {
            const image = images[index] ?? new Uint8Array();
            const before = mutations.map(({ at }) => image[at] ?? 0);
            for (const { at, value } of mutations) image[at] = value;
            try {
              listTree(new ExtTree(memorySource(image)));
            } catch (error) {
              if (!(error instanceof Fault)) throw error;
              expect(["invalid", "unsupported"]).toContain(error.code);
            } finally {
              // Backwards, as a place may have been changed twice.
              for (const [i, { at }] of [...mutations.entries()].reverse())
                image[at] = before[i] ?? 0;
            }
          },
        ),
        { numRuns: 60 },
      );
    },
    60_000,
  );
});
