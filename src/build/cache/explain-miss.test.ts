import { expect, test } from "bun:test";
import { explainMiss, PARENT } from "./explain-miss.ts";

const now = new Map([
  [PARENT, "p"],
  ["text", "t"],
  ["file a", "1"],
]);

test.each([
  ["nothing is known", undefined, "not built before"],
  ["all is the same", { [PARENT]: "p", text: "t", "file a": "1" }, "its result was removed"],
  [
    "the root before differs",
    { [PARENT]: "q", text: "t", "file a": "1" },
    "the step before it changed",
  ],
  [
    "an input differs, and so the root",
    { [PARENT]: "q", text: "u", "file a": "1" },
    "text changed",
  ],
  [
    "inputs came and went",
    { [PARENT]: "p", text: "t", "file b": "1" },
    "file a is new, file b is gone",
  ],
] as const)("explainMiss() when %s", (_, before, words) => {
  expect(explainMiss(before, now)).toContain(words);
});

test("explainMiss() names three inputs at most", () => {
  const many = new Map(["a", "b", "c", "d", "e"].map((name) => [name, "1"]));
  expect(explainMiss({}, many)).toBe("a is new, b is new, c is new and 2 more");
});
