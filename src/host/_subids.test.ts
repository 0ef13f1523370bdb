import { expect, test } from "bun:test";
import { findSubids, parseGetsubids, subidService } from "./_subids.ts";

test("findSubids() orders ranges: exactly 65536, bigger ones, smaller ones", () => {
  const table: readonly [string, readonly (readonly [number, number])[]][] = [
    ["", []],
    ["ann:100000:65536\n", [[100000, 65536]]],
    ["1000:7:65536", [[7, 65536]]],
    ["!ann:100000:65536", []],
    ["anna:1:65536\nbob:2:65536\n", []],
    [
      "ann:1:10\nann:2:200000\nann:3:65536\nann:4:100000\n",
      [
        [3, 65536],
        [2, 200000],
        [4, 100000],
        [1, 10],
      ],
    ],
    ["ann:x:65536\nann:5:\nann:6:0\nann:4294930000:65536\nann", []],
    [" ann:8:65536 ", [[8, 65536]]],
  ];
  for (const [text, expected] of table) {
    expect(findSubids(text, "ann", 1000).map((r) => [r.first, r.count] as const)).toEqual([
      ...expected,
    ]);
  }
});

test("findSubids() finds a user without a name by number only", () => {
  expect(findSubids("undefined:1:65536\n1000:2:65536", undefined, 1000)).toEqual([
    { first: 2, count: 65536 },
  ]);
});

test("parseGetsubids() reads what getsubids prints, best first", () => {
  expect(parseGetsubids("0: ann 5 10\n1: ann 100000 65536\nError\n")).toEqual([
    { first: 100000, count: 65536 },
    { first: 5, count: 10 },
  ]);
  expect(parseGetsubids("")).toEqual([]);
});

test("subidService() names a service other than the files", () => {
  const table: readonly [string, string | undefined][] = [
    ["passwd: files sss\n", undefined],
    ["subid: files\n", undefined],
    ["passwd: files\nsubid:\tsss\n", "sss"],
    ["# subid: sss\n", undefined],
  ];
  for (const [text, service] of table) expect(subidService(text)).toBe(service);
});
