import { expect, test } from "bun:test";
import { splitPost } from "./split-post.ts";

const parts = (text: string) =>
  splitPost({ text, arguments: "-u", line: 10 }).map((part) => [part.name, part.line, part.text]);

test("splitPost() leaves a section without markers in one piece", () => {
  expect(parts("  a\n  # step\n  b\n")).toEqual([["", 10, "  a\n  # step\n  b\n"]]);
});

test("splitPost() begins a part at each marker, with its words as name and its line", () => {
  expect(parts("a\n  # skiff: step install tools\nb\n#skiff:step\nc\n")).toEqual([
    ["", 10, "a\n"],
    ["install tools", 12, "  # skiff: step install tools\nb\n"],
    ["", 14, "#skiff:step\nc\n"],
  ]);
});

test("splitPost() makes no part of blank lines and comments before the first marker", () => {
  expect(parts("\n  # why\n# skiff: step one\r\na\n")).toEqual([
    ["one", 13, "# skiff: step one\r\na\n"],
  ]);
});

test("splitPost() knows no marker inside a command or in other comments", () => {
  expect(parts("echo # skiff: step\n# skiff: stepping\n")).toHaveLength(1);
});
