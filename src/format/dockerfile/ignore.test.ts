import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isIgnored, parseIgnore } from "./ignore.ts";

describe("isIgnored()", () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ["a", ["a", "a/b", "a/b/c"], ["b/a", "ab"]],
    ["/a/", ["a", "a/b"], ["b/a"]],
    ["./a/../b", ["b"], ["a"]],
    ["*.md", ["x.md"], ["d/x.md", "x.mdx"]],
    ["*/x", ["d/x"], ["x", "d/e/x"]],
    ["**/x", ["x", "d/x", "d/e/x", "d/x/y"], ["xx"]],
    ["d/**", ["d/x", "d/e/f"], ["d", "e"]],
    ["a/**/z", ["a/z", "a/b/z", "a/b/c/z"], ["z"]],
    ["?.c", ["a.c"], ["ab.c", ".c"]],
    ["[a-c].x", ["b.x"], ["d.x"]],
    ["[^a].x", ["b.x"], ["a.x"]],
    ["\\*x", ["*x"], ["ax"]],
    ["# a\n\n  b  \r\n", ["b"], ["a", "# a"]],
    ["*\n!keep", ["a", "a/b"], ["keep", "keep/x"]],
    ["d\n!d/keep\nd/keep/not", ["d/x", "d/keep/not"], ["d/keep", "d/keep/y"]],
    ["!a\na", ["a"], []],
    ["**", ["a", "a/b"], []],
    ["[a", [], ["a", "[a"]],
  ];
  for (const [text, out, kept] of cases) {
    test(`with ${JSON.stringify(text)}`, () => {
      const patterns = parseIgnore(text);
      expect(out.filter((path) => !isIgnored(patterns, path))).toEqual([]);
      expect(kept.filter((path) => isIgnored(patterns, path))).toEqual([]);
    });
  }

  test("never fails", () => {
    const line = fc.array(fc.constantFrom(..."ab*?[]\\/!.^-#{}()|+ \n"), { maxLength: 20 });
    fc.assert(
      fc.property(line, fc.string(), (chars, path) => {
        isIgnored(parseIgnore(chars.join("")), path);
      }),
    );
  });
});
