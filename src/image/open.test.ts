import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { memorySource, viewOf } from "../base/byte-source.ts";
import { Fault } from "../base/fault.ts";
import type { FileEntry, FileKind, FileView } from "../base/file-view.ts";
import { openImageFile } from "./image-file.ts";
import type { ImageHost } from "./image-host.ts";
import { openImage } from "./open.ts";

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(`${import.meta.dir}/../../test/fixtures/sif/${name}.sif`));

const EMPTY_VIEW: FileView = { lstat: () => undefined, list: () => [], read: () => undefined };

/** A machine with one path: bytes of a file, a kind, or minus an errno. */
function hostWith(
  path: string,
  what: Uint8Array | FileKind | number,
  openErrno?: number,
): ImageHost {
  const entry = (kind: FileKind, id: string): FileEntry => ({
    ...{ kind, id, mode: 0o755, uid: 0, gid: 0, sizeBytes: 0 },
  });
  return {
    stat: (at) => {
      if (at === "/") return entry("dir", "root");
      if (at !== path) return -2;
      if (typeof what === "number") return what;
      return entry(typeof what === "string" ? what : "file", "1:2:3");
    },
    openFile: () => {
      if (openErrno !== undefined) return -openErrno;
      const source = memorySource(what instanceof Uint8Array ? what : new Uint8Array(0));
      return { source, close: () => {} };
    },
    files: () => EMPTY_VIEW,
    canWrite: () => true,
  };
}

const open = (bytes: Uint8Array | FileKind | number, openErrno?: number) =>
  openImage("/x/image", hostWith("/x/image", bytes, openErrno));

test("openImage() reads the root partition of a SIF in place", () => {
  const image = open(fixture("one-group"));
  expect(image).toMatchObject({
    path: "/x/image",
    format: "sif",
    rootKind: "squashfs",
    root: { kind: "squashfs", offsetBytes: 36864, sizeBytes: 4096 },
    arch: "386",
    compression: "gzip",
    overlays: [],
    parts: [],
    writable: true,
  });
  expect(image.tree.lstat("/")?.kind).toBe("dir");
  expect(image.tree.lstat("/")?.id.startsWith("1:2:3@36864:")).toBe(true);
});

test("openImage() knows a SIF behind any name by its content, and a bare file system behind a launch line", () => {
  const squashfs = fixture("one-group").slice(36864, 40960);
  expect(open(squashfs)).toMatchObject({ format: "squashfs", root: { offsetBytes: 0 } });
  for (const line of [
    "#!/usr/bin/env run-singularity\n",
    "#!/a/much/longer/way/to/the/interpreter -x\n",
  ]) {
    const bytes = new Uint8Array(line.length + squashfs.length);
    bytes.set(new TextEncoder().encode(line));
    bytes.set(squashfs, line.length);
    expect(open(bytes)).toMatchObject({
      format: "squashfs",
      rootKind: "squashfs",
      root: { kind: "squashfs", offsetBytes: line.length, sizeBytes: 4096 },
      arch: undefined,
    });
  }
});

test("openImage() takes any directory, without looking for a root file system in it", () => {
  expect(open("dir")).toMatchObject({
    format: "directory",
    rootKind: "directory",
    root: { offsetBytes: 0, sizeBytes: 0 },
    arch: undefined,
  });
});

test("overlay partitions count in the primary's group only, and data and other objects can be bound", () => {
  const bytes = fixture("two-groups-signed-legacy");
  const v = viewOf(bytes);
  const slot = (n: number): number => 4096 + n * 585;
  // Objects: 1 system, 2 primary (not really SquashFS), 3 system in group 2, 4 a signature.
  v.setInt32(slot(1) + 201, 4, true);
  v.setInt32(slot(0) + 205, 4, true);
  v.setInt32(slot(2) + 205, 4, true);
  const file = openImageFile("/x", hostWith("/x", bytes));
  expect(file.overlays.map((o) => [o.id, o.kind])).toEqual([[1, "raw"]]);
  expect(file.parts.map((p) => [p.id, p.kind])).toEqual([[4, "raw"]]);
  v.setInt32(slot(2) + 205, 3, true);
  expect(openImageFile("/x", hostWith("/x", bytes)).parts.map((p) => [p.id, p.kind])).toEqual([
    [3, "ext3"],
    [4, "raw"],
  ]);
});

test.each([
  [
    -2,
    "not-found",
    "could not open image /x/image: failed to retrieve path for /x/image: no such file or directory",
  ],
  [-13, "denied", "failed to retrieve path for /x/image: permission denied"],
  [-20, "not-found", "failed to retrieve path for /x/image: not a directory"],
  [-40, "not-found", "too many levels of symbolic links"],
  ["char", "invalid", "could not open image /x/image: image format not recognized"],
  ["fifo", "invalid", "image format not recognized"],
  [new Uint8Array(0), "invalid", "image format not recognized"],
  [new Uint8Array(5000).fill(65), "invalid", "image format not recognized"],
  [
    new TextEncoder().encode("#!/bin/sh\necho no image\n"),
    "invalid",
    "image format not recognized",
  ],
  [fixture("empty"), "invalid", "could not open image /x/image: no root filesystem found"],
  [fixture("one-group").slice(0, 40000), "invalid", "goes beyond the end of the file"],
  [
    fixture("one-group-signed-legacy"),
    "invalid",
    "its root partition (object 2) is no SquashFS image",
  ],
] as const)("openImage() of %p is a Fault %s: %s", (what, code, message) => {
  let fault: unknown;
  try {
    open(what as Uint8Array | FileKind | number);
  } catch (error) {
    fault = error;
  }
  expect(fault).toBeInstanceOf(Fault);
  expect((fault as Fault).code).toBe(code);
  expect((fault as Fault).message).toContain(message);
  expect((fault as Fault).message).toContain("/x/image");
  expect((fault as Fault).hint).toBeString();
});

test("openImage() says who may not read an image, and refuses the root of the host by any name", () => {
  expect(() => open(fixture("one-group"), 13)).toThrow("is not readable by the current user");
  const host = hostWith("/x", "dir");
  const asRoot: ImageHost = { ...host, stat: () => host.stat("/") };
  expect(() => openImage("/proc/self/root", asRoot)).toThrow("/ as sandbox is not authorized");
});

test("openImage() tells an OCI-SIF from an image that lacks its root", () => {
  const hintOf = (name: string): string | undefined => {
    try {
      open(fixture(name));
    } catch (error) {
      return (error as Fault).hint;
    }
    return undefined;
  };
  expect(hintOf("one-object-oci-root-index")).toContain("OCI-SIF");
  expect(hintOf("one-object-generic-json")).toContain("no primary system partition");
});

test("damage that is met later names the image", () => {
  const bytes = fixture("one-group");
  // The inode table of the partition: its metadata header claims to be packed data of length 0.
  const inodes = Number(viewOf(bytes).getBigUint64(36864 + 64, true));
  bytes.fill(0, 36864 + inodes, 36864 + inodes + 2);
  const image = open(bytes);
  expect(() => image.tree.lstat("/")).toThrow(
    "could not open image /x/image: cannot read SquashFS",
  );
});

test("an image whose partition says ext3 and is not is refused", () => {
  const bytes = fixture("two-groups");
  const v = viewOf(bytes);
  v.setInt32(4096 + 585 + 205, 1, true);
  v.setInt32(4096 + 2 * 585 + 205, 2, true);
  const image = open(bytes);
  expect(image).toMatchObject({ rootKind: "ext3", root: { kind: "ext3", offsetBytes: 40960 } });
  bytes[40960 + 1080] = 0;
  expect(() => open(bytes)).toThrow("(object 3) is no ext3 image");
});
