import { expect, test } from "bun:test";
import { toolHint } from "./tool-hint.ts";

test.each([
  ["Write failed because No space left on device", "exit status 1", "no space is left"],
  ["cp: error writing 'x': Disk quota exceeded", "exit status 1", "no space is left"],
  ["FATAL ERROR: Failed to create thread", "exit status 1", "limit of threads"],
  ["fork: Resource temporarily unavailable", "exit status 1", "limit of threads"],
  ["Cannot allocate memory", "exit status 1", "memory is short"],
  ['Compressor "zstd" is not supported!', "exit status 1", "built without zstd"],
  ["", "signal: killed", "tool was killed"],
  ["", "exit status 137", "memory limit of the job"],
])("toolHint(%j, %j) names the cause", (words, end, hint) => {
  expect(toolHint(words, end, "tool")).toContain(hint);
});

test("toolHint() is silent about what it does not know", () => {
  expect(toolHint("tar: something else", "exit status 2", "tar")).toBeUndefined();
});
