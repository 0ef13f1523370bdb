import { expect, test } from "bun:test";
import { suggestNames } from "./suggest.ts";

const NAMES = ["exec", "explain", "pull", "push", "run", "run-help", "shell", "sif", "sign"];

test.each([
  ["exe", ["exec"]],
  ["execc", ["exec"]],
  ["EXEC", ["exec"]],
  ["puhl", ["pull", "push"]],
  ["ru", ["run", "run-help"]],
  ["shel", ["shell"]],
  ["bogus", []],
  ["", []],
  ["instance", []],
])("suggestNames(%j) suggests %j", (word, names) => {
  expect([...suggestNames(word, NAMES)].sort()).toEqual([...names].sort());
});
