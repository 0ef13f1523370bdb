import { expect, test } from "bun:test";
import { block, concat, octal, padded, pax, readTar } from "../../../test/support/made-up-tar.ts";
import { encodeOsText } from "../../base/os-text.ts";
import { paxRecord } from "./_pax.ts";

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
