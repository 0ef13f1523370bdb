import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  block,
  concat,
  octal,
  PLAIN,
  padded,
  pax,
  type Read,
  readTar,
  writeTar,
} from "../../../test/support/made-up-tar.ts";
import { Fault } from "../../base/fault.ts";
import { decodeOsText, encodeOsText } from "../../base/os-text.ts";
import { headerSums, writeOctal } from "./_number.ts";
import { storedBytes, type TarEntry } from "./tar-entry.ts";
import { TarReader } from "./tar-reader.ts";
import { TAR_END } from "./tar-writer.ts";

// Names: bytes without NUL, not empty, no slash at the end (that is what makes a directory).
const osName = fc
  .uint8Array({ minLength: 1, maxLength: 300 })
  .map((bytes) => decodeOsText(bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0xe4 : byte))));
const id = fc.oneof(fc.nat(0o7777777), fc.integer({ min: 0o10000000, max: 0xffffffff }));
const content = fc.uint8Array({ maxLength: 2000 });
const common = {
  path: osName,
  mode: fc.nat(0o7777),
  uid: id,
  gid: id,
  mtimeSeconds: fc.oneof(fc.nat(), fc.integer({ min: -(2 ** 33), max: 2 ** 40 })),
  xattrs: fc.dictionary(
    fc.string({ minLength: 1 }).map((name) => `user.${name.replaceAll(/[=\0]/g, "_")}`),
    fc.uint8Array({ maxLength: 300 }),
    { maxKeys: 3 },
  ),
};

const anyEntry: fc.Arbitrary<Read> = fc
  .record({
    ...common,
    kind: fc.constantFrom("file", "dir", "symlink", "hardlink", "char", "block", "fifo" as const),
    link: osName,
    content,
    major: fc.nat(4095),
    minor: fc.nat(0xfffff),
    holes: fc.option(fc.array(fc.tuple(fc.nat(5000), fc.nat(5000)), { maxLength: 30 })),
    tail: fc.nat(100_000),
  })
  .map(({ kind, content: bytes, xattrs, holes, tail, ...rest }): Read => {
    const isDevice = kind === "char" || kind === "block";
    const isLink = kind === "symlink" || kind === "hardlink";
    const entry: TarEntry = {
      ...rest,
      kind,
      link: isLink ? rest.link : "",
      major: isDevice ? rest.major : 0,
      minor: isDevice ? rest.minor : 0,
      xattrs: new Map(Object.entries(xattrs).filter(([, value]) => value.length > 0)),
      sizeBytes: kind === "file" ? bytes.length : 0,
      sparse: undefined,
    };
    if (kind !== "file") return { entry, content: new Uint8Array(0) };
    if (holes === null) return { entry, content: bytes };
    const sparse: { offset: number; length: number }[] = [];
    let end = 0;
    for (const [hole, length] of holes) {
      if (length > 0) sparse.push({ offset: end + hole, length });
      if (length > 0) end += hole + length;
    }
    const whole = { ...entry, sparse, sizeBytes: end + tail };
    return { entry: whole, content: new Uint8Array(storedBytes(whole)).fill(7) };
  });

test("TarReader gives back what encodeTarHeader() wrote, whatever pieces it comes in", () => {
  fc.assert(
    fc.property(
      fc.array(anyEntry, { maxLength: 8 }),
      fc.array(fc.nat(1500), { minLength: 1 }),
      (all, lengths) => {
        expect(readTar(writeTar(all), lengths)).toEqual([...all]);
      },
    ),
  );
});

test("TarReader refuses or reads any bytes, and never fails otherwise", () => {
  const near = fc
    .tuple(fc.array(anyEntry, { maxLength: 4 }), fc.array(fc.tuple(fc.nat(), fc.nat(255))))
    .map(([all, changes]) => {
      const archive = writeTar(all);
      for (const [at, byte] of changes) archive[at % archive.length] = byte;
      // Half of the damaged headers get a right checksum, so that the damage is looked at.
      for (let at = 0; at + 512 <= archive.length; at += 1024) {
        const view = archive.subarray(at, at + 512);
        if (view.some((byte) => byte !== 0)) writeOctal(view, 148, 7, headerSums(view)[0]);
      }
      return archive;
    });
  fc.assert(
    fc.property(fc.oneof(near, fc.uint8Array({ maxLength: 3000 })), (archive) => {
      try {
        readTar(archive);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        expect(error.code).toBe("invalid");
        expect(error.message).toContain("layer x");
      }
    }),
    { numRuns: 500 },
  );
});

test("TarReader reads archives without magic: NUL is a file, a slash at the end a directory", () => {
  const archive = concat(
    block({ 0: "dir/", 100: "  755 \0", 257: "\0\0\0\0\0\0" }, "\0"),
    block({ 0: "dir/file", 124: "         3 \0", 108: "0000017\0" }, "\0"),
    padded("abc"),
  );
  const [dir, file] = readTar(archive);
  expect(dir?.entry).toMatchObject({ kind: "dir", path: "dir", mode: 0o755 });
  expect(file?.entry).toMatchObject({ kind: "file", path: "dir/file", uid: 0o17 });
  expect(file?.content).toEqual(encodeOsText("abc"));
});

test("TarReader joins the prefix of POSIX headers and leaves that of GNU ones alone", () => {
  const posix = block({ 0: "name", 257: "ustar\x0000", 345: "some/prefix" }, "0");
  const gnu = block({ 0: "name", 257: "ustar  \0", 345: "12345670123" }, "0");
  expect(readTar(concat(posix, gnu)).map(({ entry }) => entry.path)).toEqual([
    "some/prefix/name",
    "name",
  ]);
});

test("TarReader reads base-256 numbers, negative ones too", () => {
  const big = Uint8Array.from([0x80, 0, 0, 0, 0x12, 0x34, 0x56, 0x78]);
  const negative = new Uint8Array(12).fill(0xff);
  const archive = block({ 0: "a", 108: big, 136: negative }, "0");
  expect(readTar(archive)[0]?.entry).toMatchObject({ uid: 0x12345678, mtimeSeconds: -1 });
});

test("TarReader reads the sum of signed bytes that old tools wrote", () => {
  const header = block({ 0: Uint8Array.from([0xe4, 0x41]) }, "0");
  writeOctal(header, 148, 7, headerSums(header)[1]);
  expect(readTar(header)[0]?.entry.path).toBe("\udce4A");
});

test("TarReader applies global records to all that follow, and own ones over them", () => {
  const archive = concat(
    pax({ uid: "5", comment: "of no interest", "SCHILY.xattr.user.a": "1" }, "g"),
    block({ 0: "one" }, "0"),
    pax({ uid: "6", mtime: "-1.5" }),
    block({ 0: "two" }, "0"),
    block({ 0: "three" }, "0"),
  );
  const read = readTar(archive).map(({ entry }) => entry);
  expect(read.map(({ uid }) => uid)).toEqual([5, 6, 5]);
  expect(read[1]?.mtimeSeconds).toBe(-2);
  expect(read[2]?.xattrs.get("user.a")).toEqual(encodeOsText("1"));
});

test("TarReader reads attributes of libarchive, and prefers those of star", () => {
  const archive = concat(
    pax({
      "LIBARCHIVE.xattr.user.a%20b": "AQID",
      "LIBARCHIVE.xattr.user.both": "AQID",
      "SCHILY.xattr.user.both": Uint8Array.from([0, 10, 0x3d]),
    }),
    block({ 0: "file" }, "0"),
  );
  const { xattrs } = readTar(archive)[0]?.entry ?? PLAIN;
  expect(xattrs.get("user.a b")).toEqual(Uint8Array.from([1, 2, 3]));
  expect(xattrs.get("user.both")).toEqual(Uint8Array.from([0, 10, 0x3d]));
});

test("TarReader does not look at what follows the end, and needs no end", () => {
  const file = concat(block({ 0: "a", 124: octal(1) }, "0"), padded("x"));
  expect(readTar(file).length).toBe(1);
  // The content is there; what fills its block is not.
  expect(readTar(file.subarray(0, 513)).length).toBe(1);
  expect(readTar(concat(file, TAR_END, encodeOsText("rubbish"), file)).length).toBe(1);
});

test("TarReader.skip() stands for contents that nobody wants", () => {
  const archive = writeTar([
    { entry: { ...PLAIN, sizeBytes: 1000 }, content: new Uint8Array(1000) },
    { entry: { ...PLAIN, path: "b" }, content: new Uint8Array(0) },
  ]);
  const seen: [string, number][] = [];
  const reader = new TarReader(
    {
      entry(entry) {
        seen.push([entry.path, reader.offset]);
        return false;
      },
      data() {},
      endOfData() {},
    },
    "x",
  );
  for (let at = 0; at < archive.length; at = reader.offset) {
    reader.push(archive.subarray(at, at + 100));
    if (reader.isEnded) break;
    reader.skip(reader.ignoredBytes);
  }
  expect(seen).toEqual([
    ["a", 512],
    ["b", 2048],
  ]);
});
