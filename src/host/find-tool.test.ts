import { expect, test } from "bun:test";
import { findTool, toolDirectories } from "./find-tool.ts";

test("toolDirectories() puts the caller's PATH where the word stands and drops relative ones", () => {
  const table: readonly [string, string | undefined, readonly string[]][] = [
    ["$PATH:/usr/bin:/bin", "/x:bin::/usr/bin:.", ["/x", "/usr/bin", "/bin"]],
    ["$PATH:/usr/bin", undefined, ["/usr/bin"]],
    ["/a:/b", "/x", ["/a", "/b"]],
    ["", "/x", []],
  ];
  for (const [binaryPath, path, expected] of table) {
    expect(toolDirectories(binaryPath, path)).toEqual([...expected]);
  }
});

test("findTool() takes executable files only", () => {
  expect(findTool("sh", "/nosuch:/bin", undefined)).toBe("/bin/sh");
  expect(findTool("passwd", "/etc", undefined)).toBeUndefined();
  expect(findTool("bin", "/usr", undefined)).toBeUndefined();
  expect(findTool("nosuch-tool", "$PATH:/bin", "/usr/bin")).toBeUndefined();
  expect(findTool("/bin/sh", "", undefined)).toBe("/bin/sh");
});
