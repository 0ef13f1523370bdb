import { expect, test } from "bun:test";
import { formatBytes, formatSeconds } from "./progress-talk.ts";

test.each([
  [0, "  0.0s"],
  [59949, " 59.9s"],
  [60000, " 1m00s"],
  [754321, "12m34s"],
])("formatSeconds(%d) is %j", (ms, text) => {
  expect(formatSeconds(ms)).toBe(text);
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [58527744, "58.5 MB"],
  [999_600_000, "1.0 GB"],
])("formatBytes(%d) is %j", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
