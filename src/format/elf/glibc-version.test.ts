import { expect, test } from "bun:test";
import { compareGlibc, glibcOfSymbolVersion, neededGlibc } from "./glibc-version.ts";

test("glibcOfSymbolVersion() reads public names and passes over all others", () => {
  const table: readonly [string, readonly [number, number] | undefined][] = [
    ["GLIBC_2.34", [2, 34]],
    ["GLIBC_2.2.5", [2, 2]],
    ["GLIBC_ABI_DT_RELR", [2, 36]],
    ["GLIBC_PRIVATE", undefined],
    ["GLIBCXX_3.4.30", undefined],
    ["GLIBC_2", undefined],
    ["2.34", undefined],
    ["", undefined],
  ];
  for (const [name, version] of table) expect(glibcOfSymbolVersion(name)).toEqual(version);
});

test("neededGlibc() compares parts as numbers", () => {
  const needs = ["GLIBC_2.9", "GLIBC_2.27", "GLIBC_2.3.4", "GLIBCXX_9.99"];
  expect(neededGlibc({ needs: needs.map((version) => ({ file: "x", version })) })).toEqual([2, 27]);
  expect(compareGlibc([2, 9], [2, 27])).toBeLessThan(0);
  expect(compareGlibc([3, 0], [2, 99])).toBeGreaterThan(0);
  expect(compareGlibc([2, 31], [2, 31])).toBe(0);
});
