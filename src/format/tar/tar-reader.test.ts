import { expect, test } from "bun:test";
import fc from "fast-check";
import { Fault } from "../../base/fault.ts";
import { decodeOsText, encodeOsText } from "../../base/os-text.ts";
import { headerSums, writeOctal } from "./_number.ts";
import { paxRecord } from "./_pax.ts";
import { NO_XATTRS, storedBytes, type TarEntry } from "./tar-entry.ts";
import { paddingOf, TarReader } from "./tar-reader.ts";
import { encodeTarHeader, TAR_END } from "./tar-writer.ts";

interface Read {
  readonly entry: TarEntry;
  readonly content: Uint8Array;
}

/** Reads an archive that comes in pieces of the given lengths, over and over. */
function readTar(archive: Uint8Array, lengths: readonly number[] = [10_000]): readonly Read[] {
  const out: Read[] = [];
  let pieces: Uint8Array[] = [];
  const reader = new TarReader(
    {
      entry(entry, ordinal) {
        expect(ordinal).toBe(out.length);
        pieces = [];
        out.push({ entry, content: new Uint8Array(0) });
        return true;
      },
      data: (bytes) => pieces.push(bytes.slice()),
      endOfData() {
        const last = out.pop();
        if (last !== undefined) out.push({ ...last, content: Buffer.concat(pieces) });
      },
    },
    "layer x",
  );
  for (let at = 0, turn = 0; at < archive.length; turn++) {
    const length = Math.max(1, lengths[turn % lengths.length] ?? 1);
    reader.push(archive.subarray(at, at + length));
    at += length;
  }
  reader.end();
  return out.map(({ entry, content }) => ({ entry, content: Uint8Array.from(content) }));
}

function writeTar(all: readonly Read[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (const { entry, content } of all) {
    pieces.push(encodeTarHeader(entry), content, new Uint8Array(paddingOf(content.length)));
  }
  return Uint8Array.from(Buffer.concat([...pieces, TAR_END]));
}

const PLAIN: TarEntry = {
  kind: "file",
  path: "a",
  link: "",
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeSeconds: 1,
  sizeBytes: 0,
  major: 0,
  minor: 0,
  xattrs: NO_XATTRS,
  sparse: undefined,
};

/** A header block as an old tool writes it; numbers go in as text. */
function block(fields: Readonly<Record<number, string | Uint8Array>>, type: string): Uint8Array {
  const out = new Uint8Array(512);
  for (const at of [100, 108, 116]) writeOctal(out, at, 8, 0);
  for (const at of [124, 136]) writeOctal(out, at, 12, 0);
  out[156] = type.charCodeAt(0);
  for (const [at, value] of Object.entries(fields)) {
    out.set(typeof value === "string" ? encodeOsText(value) : value, Number(at));
  }
  writeOctal(out, 148, 7, headerSums(out)[0]);
  return out;
}

const concat = (...pieces: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(Buffer.concat(pieces));

function padded(text: string | Uint8Array): Uint8Array {
  const bytes = typeof text === "string" ? encodeOsText(text) : text;
  return concat(bytes, new Uint8Array(paddingOf(bytes.length)));
}

const octal = (value: number): string => value.toString(8).padStart(11, "0");

/** A PAX header with records. */
function pax(
  records: Readonly<Record<string, string | Uint8Array>>,
  type: string = "x",
): Uint8Array {
  const content = concat(
    ...Object.entries(records).map(([key, value]) =>
      paxRecord(key, typeof value === "string" ? encodeOsText(value) : value),
    ),
  );
  return concat(block({ 0: "pax", 124: octal(content.length) }, type), padded(content));
}

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

test("TarReader reads every form of sparse file", () => {
  const expected = {
    sizeBytes: 3000,
    sparse: [
      { offset: 1000, length: 5 },
      { offset: 2000, length: 3 },
    ],
  };
  const data = padded("datas***");
  const old = block(
    {
      0: "old",
      124: octal(8),
      257: "ustar  \0",
      386: `${octal(1000)}\0${octal(5)}\0${octal(2000)}\0${octal(3)}\0${octal(3000)}\0${octal(0)}\0`,
      483: octal(3000),
    },
    "S",
  );
  const pairs = concat(
    paxRecord("GNU.sparse.size", encodeOsText("3000")),
    paxRecord("GNU.sparse.numblocks", encodeOsText("2")),
    ...[1000, 5, 2000, 3].map((value, index) =>
      paxRecord(
        index % 2 === 0 ? "GNU.sparse.offset" : "GNU.sparse.numbytes",
        encodeOsText(String(value)),
      ),
    ),
  );
  const v00 = concat(block({ 0: "pax", 124: octal(pairs.length) }, "x"), padded(pairs));
  const v01 = pax({
    "GNU.sparse.size": "3000",
    "GNU.sparse.numblocks": "2",
    "GNU.sparse.map": "1000,5,2000,3",
    "GNU.sparse.name": "v01",
  });
  const v10 = pax({
    "GNU.sparse.major": "1",
    "GNU.sparse.minor": "0",
    "GNU.sparse.name": "v10",
    "GNU.sparse.realsize": "3000",
  });
  const plain = (path: string, size: number): Uint8Array =>
    block({ 0: path, 124: octal(size) }, "0");
  const archive = concat(
    ...[old, data, v00, plain("v00", 8), data, v01, plain("other", 8), data],
    ...[v10, plain("other", 520), padded("2\n1000\n5\n2000\n3\n"), data],
  );
  const read = readTar(archive, [700]);
  expect(read.map(({ entry }) => entry.path)).toEqual(["old", "v00", "v01", "v10"]);
  for (const { entry, content: bytes } of read) {
    expect(entry).toMatchObject(expected);
    expect(bytes).toEqual(encodeOsText("datas***"));
  }
});

test("TarReader reads the continuation blocks of old sparse headers", () => {
  const pairs = (from: number, count: number): string =>
    Array.from({ length: count }, (_, i) => `${octal((from + i) * 10)}\0${octal(1)}\0`).join("");
  const more = new Uint8Array(512);
  more.set(encodeOsText(pairs(4, 21)));
  more[504] = 1;
  const last = new Uint8Array(512);
  last.set(encodeOsText(pairs(25, 5)));
  const header = block(
    { 0: "f", 124: octal(30), 257: "ustar  \0", 386: pairs(0, 4), 482: "1", 483: octal(1000) },
    "S",
  );
  const [read] = readTar(concat(header, more, last, padded("x".repeat(30))));
  expect(read?.entry.sparse?.length).toBe(30);
  expect(read?.entry.sparse?.[29]).toEqual({ offset: 290, length: 1 });
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

const sparse10 = { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "10" };
const refused: readonly (readonly [what: string, archive: Uint8Array, why: string])[] = [
  ["a wrong checksum", block({ 0: "a" }, "0").fill(0x31, 148, 152), "checksum"],
  ["a header cut off", block({ 0: "a" }, "0").subarray(0, 300), "cut off"],
  ["content cut off", block({ 0: "a", 124: octal(9) }, "0"), "cut off"],
  ["a size that is no number", block({ 0: "a", 124: "9".repeat(11) }, "0"), '"sizeBytes"'],
  ["an unknown type", block({ 0: "a" }, "Q"), 'type "Q"'],
  ["a gigantic header", block({ 0: "a", 124: octal(2 ** 31) }, "x"), "more than 1048576"],
  ["a long name that is gigantic", block({ 0: "a", 124: octal(2 ** 32) }, "L"), "more than"],
  ["records without end", concat(pax({ a: "b" }), pax({ a: "b" })), "cut off"],
  ["a record with a wrong length", pax({ a: "b" }).fill(0x39, 512, 513), "wrong length"],
  ["a NUL in a name", concat(pax({ path: "a\0b" }), block({ 0: "a" }, "0")), "NUL"],
  ["an owner out of range", concat(pax({ uid: "4294967296" }), block({ 0: "a" }, "0")), "owner"],
  ["a size that is text", concat(pax({ size: "big" }), block({ 0: "a" }, "0")), "number"],
  [
    "an attribute that is no base64",
    concat(pax({ "LIBARCHIVE.xattr.user.a": "?" }), block({ 0: "a" }, "0")),
    "base64",
  ],
  [
    "a sparse map longer than the file",
    concat(pax(sparse10), block({ 0: "a", 124: octal(513) }, "0"), padded("1\n10\n1\n")),
    "longer than the file",
  ],
  [
    "a sparse map without its data",
    concat(pax(sparse10), block({ 0: "a", 124: octal(512) }, "0"), padded("1\n0\n10\n")),
    "add up",
  ],
  [
    "a sparse map that is no text",
    concat(pax(sparse10), block({ 0: "a", 124: octal(512) }, "0"), padded("99999999999\n")),
    "too long",
  ],
  [
    "a global header that grows",
    concat(...Array.from({ length: 3 }, (_, i) => pax({ [`x${i}`]: "y".repeat(500_000) }, "g"))),
    "global",
  ],
];

for (const [what, archive, why] of refused) {
  test(`TarReader refuses ${what}`, () => {
    let message = "";
    try {
      readTar(archive);
    } catch (error) {
      message = error instanceof Fault ? error.message : `${error}`;
    }
    expect(message).toContain("Cannot read the layer x");
    expect(message).toContain(why);
  });
}
