import { expect, test } from "bun:test";
import { sourcePattern } from "./source-pattern.ts";

const env = { HOME: "/home/u", A: "x y" };

test.each([
  ["data/*", "data/*"],
  ["$A/z", "x y/z"],
  ["${A}z", "x yz"],
  ["$B/z", "/z"],
  ["~/a", "/home/u/a"],
  ["~", "/home/u"],
  ["a/~", "a/~"],
  ["~u/a", "~u/a"],
  ["\\$A", "\\$A"],
  ["$(x)", "$(x)"],
])("sourcePattern(%j) gives %j", (source, pattern) => {
  expect(sourcePattern(source, env)).toBe(pattern);
});
