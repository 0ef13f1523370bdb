import { expect, test } from "bun:test";
import { layerPaths } from "./layer-paths.ts";

test("layerPaths() gives parents first, each directory once", () => {
  expect(layerPaths(["/usr/local/x", "usr/y", "a b//c/./", "d/../e"])).toEqual([
    ...["/usr", "/usr/local", "/usr/local/x", "/usr/y", "/a b", "/a b/c", "/e"],
  ]);
  expect(layerPaths(["", "/", "."])).toEqual([]);
});

test("layerPaths() refuses what leads out of the layer, and line breaks", () => {
  for (const word of ["..", "../x", "a/../../b", "/..", "a\nb"]) {
    expect(() => layerPaths([word])).toThrow("outside of overlay layout");
  }
});
