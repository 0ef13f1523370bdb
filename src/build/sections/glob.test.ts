import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { expandGlob } from "./glob.ts";

let base = "";

beforeAll(() => {
  base = mkdtempSync(`${tmpdir()}/skiff-[glob]-`);
  mkdirSync(`${base}/d/e`, { recursive: true });
  for (const name of ["a1", "a2", "b", ".h", "x*", "d/f", "d/e/g", "s p"])
    writeFileSync(`${base}/${name}`, "");
});

afterAll(() => rmSync(base, { recursive: true }));

test.each([
  ["/a*", ["/a1", "/a2"]],
  ["/?", ["/b", "/d"]],
  ["/[ab]*", ["/a1", "/a2", "/b"]],
  ["/[!a]", ["/b", "/d"]],
  ["/{b,a2}", ["/b", "/a2"]],
  ["/{a{1,2},no}", ["/a1", "/a2", "/no"]],
  ["/{x}", ["/{x}"]],
  ["/.*", ["/.h"]],
  ["/no*", ["/no*"]],
  ["/x\\*", ["/x*"]],
  ["/s p", ["/s p"]],
  ["/d/*/", ["/d/e/", "/d/f/"]],
  ["/d/**", ["/d", "/d/e", "/d/e/g", "/d/f"]],
  ["/**/g", ["/d/e/g"]],
  ["/[z-a]", ["/[z-a]"]],
  ["/a1/*", ["/a1/*"]],
])("expandGlob(%j) gives %j", (pattern, paths) => {
  expect(expandGlob(pattern, base)).toEqual(paths);
});

test("a relative pattern is looked up below the base", () => {
  expect(expandGlob("d/*", `${base}/`)).toEqual(["d/e", "d/f"]);
});
