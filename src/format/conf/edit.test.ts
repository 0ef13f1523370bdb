import { expect, test } from "bun:test";
import fc from "fast-check";
import { setDirective } from "./edit.ts";
import { parseConf } from "./parse.ts";

const FILE =
  "# about\nmount home = yes\n\n#bind path = /opt\nbind path = /a\nodd thing = 1\nbind path = /b\n";

test("setDirective() replaces in place and keeps every other line", () => {
  expect(setDirective(FILE, "mount home", ["no"])).toBe(FILE.replace("= yes", "= no"));
  expect(setDirective(FILE, "bind path", ["/x", "/y"])).toBe(
    "# about\nmount home = yes\n\n#bind path = /opt\nbind path = /x\nbind path = /y\nodd thing = 1\n",
  );
});

test("setDirective() with no value removes the directive", () => {
  expect(setDirective(FILE, "bind path", [])).toBe(
    "# about\nmount home = yes\n\n#bind path = /opt\nodd thing = 1\n",
  );
  expect(setDirective("a = 1\n", "a", [])).toBe("");
});

test("setDirective() puts a new directive below its commented-out line, else at the end", () => {
  expect(setDirective("#a = 1\n# b = 2\n\nc = 3", "b", ["4"])).toBe(
    "#a = 1\n# b = 2\nb = 4\n\nc = 3\n",
  );
  expect(setDirective("c = 3\n", "d", ["5"])).toBe("c = 3\nd = 5\n");
  expect(setDirective("", "d", ["5"])).toBe("d = 5\n");
});

test("setDirective() is read back by parseConf(), and no other directive changes", () => {
  const word = fc.stringMatching(/^[a-z]{1,3}$/);
  const line = fc.oneof(
    fc.tuple(word, word).map(([k, v]) => `${k} = ${v}`),
    fc.constantFrom("", "# note", "#a = b", "plain"),
  );
  fc.assert(
    fc.property(fc.array(line), word, fc.array(word), (lines, key, values) => {
      const text = lines.join("\n");
      const pick = (source: string, own: boolean) =>
        parseConf(source)
          .filter((entry) => (entry.directive === key) === own)
          .map((entry) => `${entry.directive}=${entry.value}`);
      const edited = setDirective(text, key, values);
      expect(pick(edited, true)).toEqual(values.map((value) => `${key}=${value}`));
      expect(pick(edited, false)).toEqual(pick(text, false));
    }),
  );
});
