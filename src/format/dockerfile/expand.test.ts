import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ExpansionError, expandText, expandWord } from "./expand.ts";

const variables: Readonly<Record<string, string>> = {
  a: "A",
  empty: "",
  path: "/usr/local/bin/x.tar.gz",
  star: "a*b",
};
const find = (name: string): string | undefined =>
  Object.hasOwn(variables, name) ? variables[name] : undefined;

describe("expandWord()", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["$a", "A"],
    ["${a}b$a", "AbA"],
    ["$ab", ""],
    ["$", "$"],
    ["$-x", "x"],
    ["$.x", "$.x"],
    ["${-:-d}", "d"],
    ["'$a'", "$a"],
    ['"$a b"', "A b"],
    ["\\$a", "$a"],
    ['"\\$a \\" \\x"', '$a " \\x'],
    ["a\\ b", "a b"],
    ["a\\", "a"],
    ["${no:-d}", "d"],
    ["${empty:-d}", "d"],
    ["${empty-d}", ""],
    ["${no-$a}", "A"],
    ["${no:-${empty:-${a}}}", "A"],
    ["${a:+x}", "x"],
    ["${empty:+x}", ""],
    ["${empty+x}", "x"],
    ["${no+x}", ""],
    ["${a:?m}", "A"],
    ['${no:-"x y"}', "x y"],
    ["${path#*/}", "usr/local/bin/x.tar.gz"],
    ["${path##*/}", "x.tar.gz"],
    ["${path%.*}", "/usr/local/bin/x.tar"],
    ["${path%%.*}", "/usr/local/bin/x"],
    ["${path/bin/lib}", "/usr/local/lib/x.tar.gz"],
    ["${path//\\//-}", "-usr-local-bin-x.tar.gz"],
    ["${star#a\\*}", "b"],
  ];
  for (const [word, expected] of cases) {
    test(`makes ${JSON.stringify(expected)} of ${word}`, () => {
      expect(expandWord(word, find, "\\")).toBe(expected);
    });
  }

  test("takes the escape sign of the file", () => {
    expect(expandWord("C:\\x`$a", find, "`")).toBe("C:\\x$a");
  });

  for (const word of ["'a", '"a', "${a", "${", "${no:?gone}", "${no?}", "${a^^}", "${a:1:2}"]) {
    test(`refuses ${word}`, () => {
      expect(() => expandWord(word, find, "\\")).toThrow(ExpansionError);
    });
  }

  test("gives a text back that holds nothing special, and never fails otherwise than by its error", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          const out = expandWord(text, find, "\\");
          if (!/["'$\\]/.test(text)) expect(out).toBe(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ExpansionError);
        }
      }),
    );
  });
});

test("expandText() leaves quotes and escaped characters alone", () => {
  expect(expandText("'$a' \"${a}\" \\$a \\n\n", find, "\\")).toBe("'A' \"A\" \\$a \\n\n");
});
