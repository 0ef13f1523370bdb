import { describe, expect, test } from "bun:test";
import { loadAllCommands } from "./command-index.ts";
import { formatAllManPages, formatManPage } from "./man.ts";

const pages = formatAllManPages(await loadAllCommands());

test("formatManPage() escapes what roff would take for its own", () => {
  const text = formatManPage(["odd"], {
    name: "odd",
    summary: "Read a-b \\ c",
    description: [".hidden request", "'another"],
    flags: [{ name: "a-b", short: "x", kind: "string", meta: "c\\d", help: "takes c\\d" }],
    args: { min: 0, usage: "" },
    examples: [{ text: "So", command: "odd --a-b 'c'" }],
  });
  expect(text).toContain("skiff\\-odd \\- read a\\-b \\e c\n");
  expect(text).toContain("\n\\&.hidden request\n.PP\n\\&'another\n");
  expect(text).toContain("\\fB\\-x\\fR, \\fB\\-\\-a\\-b\\fR \\fIc\\ed\\fR\ntakes c\\ed\n");
  expect(text).toContain("\nskiff odd \\-\\-a\\-b 'c'\n");
});

describe("formatAllManPages()", () => {
  test("has a page for the program, each command and each sub-command", () => {
    const names = pages.map((page) => page.name);
    expect(names[0]).toBe("skiff");
    for (const name of ["skiff-exec", "skiff-config-global", "skiff-sif", "skiff-sif-add"]) {
      expect(names).toContain(name);
    }
    expect(names).not.toContain("skiff-plugin-compile");
    expect(new Set(names).size).toBe(names.length);
  });

  test.each(pages.map((page) => [page.name, page.text]))(
    "%s uses known requests only",
    (_name, text) => {
      for (const line of text.split("\n")) {
        if (line.startsWith(".")) expect(line).toMatch(/^\.(TH|SH|TP|PP|B|BR|RS|RE|nf|fi|br)\b/);
        expect(line.startsWith("'")).toBe(false);
      }
      for (const part of ["NAME", "SYNOPSIS", "OPTIONS", "SEE ALSO"]) {
        expect(text).toContain(`\n.SH ${part}\n`);
      }
    },
  );

  test("names in SEE ALSO only pages that exist", () => {
    const names = pages.map((page) => page.name);
    for (const { text } of pages) {
      const list = text.slice(text.indexOf(".SH SEE ALSO"));
      for (const match of list.matchAll(/^\.BR (\S+) \(1\)/gm)) {
        expect(names).toContain((match[1] ?? "").replaceAll("\\-", "-"));
      }
    }
  });
});
