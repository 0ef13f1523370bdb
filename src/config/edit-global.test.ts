import { expect, test } from "bun:test";
import { Fault } from "../base/fault.ts";
import { defaultConfigText, textOf } from "./default-text.ts";
import { DIRECTIVES } from "./directives.ts";
import { editGlobal, type GlobalEdit } from "./edit-global.ts";
import { parseConfig } from "./load.ts";

const FILE =
  "# head\nmount home = yes\nbind path = /etc/localtime, /a\nbind path = /etc/hosts\nodd = 1\n";

function failure(directive: string, edit: GlobalEdit): string {
  try {
    editGlobal(FILE, directive, edit);
  } catch (error) {
    if (error instanceof Fault) return error.message;
    throw error;
  }
  return "";
}

test("editGlobal() sets a directive in its place", () => {
  expect(editGlobal(FILE, "mount home", { kind: "set", value: "no" })).toBe(
    FILE.replace("mount home = yes", "mount home = no"),
  );
  expect(editGlobal(FILE, "binary path", { kind: "set", value: "/a:/b,c" })).toBe(
    `${FILE}binary path = /a:/b,c\n`,
  );
});

test("editGlobal() puts new members of a list in front and leaves known ones where they are", () => {
  const table: readonly [string, readonly string[]][] = [
    ["/x,/y", ["/x", "/y", "/etc/localtime", "/a", "/etc/hosts"]],
    ["/etc/hosts", ["/etc/localtime", "/a", "/etc/hosts"]],
    ["/x, /a,/x", ["/x", "/etc/localtime", "/a", "/etc/hosts"]],
  ];
  for (const [value, expected] of table) {
    const text = editGlobal(FILE, "bind path", { kind: "set", value });
    expect(parseConfig(text, "/c").values.bindPath).toEqual(expected);
    expect(text.startsWith("# head\nmount home = yes\n")).toBe(true);
    expect(text.endsWith("odd = 1\n")).toBe(true);
  }
});

test("editGlobal() unsets the values given and no others", () => {
  expect(editGlobal(FILE, "bind path", { kind: "unset", value: "/a,/etc/hosts" })).toBe(
    "# head\nmount home = yes\nbind path = /etc/localtime\nodd = 1\n",
  );
  expect(editGlobal(FILE, "mount home", { kind: "unset", value: "yes" })).toBe(
    FILE.replace("mount home = yes\n", ""),
  );
});

test("editGlobal() resets to the default", () => {
  const reset = { kind: "reset" } as const;
  expect(parseConfig(editGlobal(FILE, "bind path", reset), "/c").values.bindPath).toEqual(
    DIRECTIVES.bindPath.fallback,
  );
  expect(editGlobal(FILE, "mount home", reset)).toBe(FILE.replace("mount home = yes\n", ""));
  expect(editGlobal(FILE, "mount tmp", reset)).toBe(FILE);
});

test("editGlobal() says why it refuses", () => {
  const table: readonly [string, GlobalEdit, string][] = [
    ["nosuch", { kind: "set", value: "no" }, '"nosuch" is not a valid configuration directive'],
    [
      "mount home",
      { kind: "set", value: "" },
      'you must specify a value for directive "mount home"',
    ],
    [
      "bind path",
      { kind: "set", value: " , " },
      'you must specify a value for directive "bind path"',
    ],
    [
      "mount home",
      { kind: "set", value: "maybe" },
      'Cannot set "mount home" to "maybe": it must be one of yes, no',
    ],
    [
      "max loop devices",
      { kind: "set", value: "x" },
      'Cannot set "max loop devices" to "x": it must be a whole number of at least 0',
    ],
    [
      "binary path",
      { kind: "set", value: "/a\nallow user ns = no" },
      'Cannot set "binary path" to "/a\nallow user ns = no": it must be one line',
    ],
    [
      "bind path",
      { kind: "unset", value: "/nosuch" },
      `value '/nosuch' not found for directive "bind path"`,
    ],
    ["bind path", { kind: "unset", value: "" }, `value '' not found for directive "bind path"`],
    [
      "mount tmp",
      { kind: "unset", value: "yes" },
      `value 'yes' not found for directive "mount tmp"`,
    ],
  ];
  for (const [directive, edit, message] of table) expect(failure(directive, edit)).toBe(message);
});

test("defaultConfigText() means what having no file means, and shows each directive once", () => {
  const text = defaultConfigText();
  const { values } = parseConfig(text, "/c");
  for (const [key, row] of Object.entries(DIRECTIVES)) {
    expect([key, values[key as keyof typeof values]]).toEqual([key, row.fallback]);
    expect(text.match(new RegExp(`^(# )?${row.name} =`, "m"))?.length).toBeDefined();
  }
  expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
});

test("defaultConfigText() with every comment of a directive taken away still has the defaults", () => {
  const names = Object.values(DIRECTIVES).map((row) => row.name);
  const text = defaultConfigText().replace(/^# ([a-z_ -]+) =/gm, (whole, name: string) =>
    names.includes(name) ? `${name} =` : whole,
  );
  const { values } = parseConfig(text, "/c");
  for (const [key, row] of Object.entries(DIRECTIVES)) {
    expect(textOf(values[key as keyof typeof values])).toBe(textOf(row.fallback));
  }
});
