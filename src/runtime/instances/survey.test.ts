import { expect, test } from "bun:test";
import { namePattern } from "./survey.ts";

test.each([
  ["web", "web", true],
  ["web", "web1", false],
  ["*", "anything.at-all", true],
  ["web*", "web", true],
  ["w?b", "web", true],
  ["w?b", "wb", false],
  ["i[12]", "i1", true],
  ["i[12]", "i3", false],
  ["i[!12]", "i3", true],
  ["i[a-c]", "ib", true],
  ["a.b", "axb", false],
  ["a+b", "a+b", true],
  ["[", "[", true],
  ["[z-a]", "m", false],
  ["a]b", "a]b", true],
])("namePattern(%j) and %j: %p", (pattern, name, expected) => {
  expect(namePattern(pattern)(name)).toBe(expected);
});
