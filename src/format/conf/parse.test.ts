import { expect, test } from "bun:test";
import { parseConf, splitConfList } from "./parse.ts";

test("parseConf() gives directives with their line and leaves out comments and other lines", () => {
  const text =
    "# head\n\nmount home = no\n  mount tmp=\tyes \n#bind path = /n\nnonsense\n= x\nmksquashfs mem = 1=2";
  expect(parseConf(text)).toEqual([
    { line: 3, directive: "mount home", value: "no" },
    { line: 4, directive: "mount tmp", value: "yes" },
    { line: 8, directive: "mksquashfs mem", value: "1=2" },
  ]);
});

test("parseConf() keeps what follows a value: there are no trailing comments and no quotes", () => {
  expect(parseConf('a = yes # why\nb = "x"\nc =\r\n').map((e) => e.value)).toEqual([
    "yes # why",
    '"x"',
    "",
  ]);
});

test("splitConfList() splits at every comma and drops empty members", () => {
  const table: readonly [string, readonly string[]][] = [
    ["", []],
    ["/a", ["/a"]],
    ["/a:/b, /c d ,,", ["/a:/b", "/c d"]],
    ['"/q,r":/z', ['"/q', 'r":/z']],
  ];
  for (const [value, members] of table) expect(splitConfList(value)).toEqual(members);
});
