import { describe, expect, test } from "bun:test";
import { findCommand, loadAllCommands } from "./command-index.ts";
import { formatCommandHelp, formatFlags, formatProgramHelp, formatUsage } from "./help.ts";
import { ROOT } from "./root.ts";
import type { CommandSpec } from "./spec.ts";

const commands = await loadAllCommands();

const SAMPLE: CommandSpec = {
  name: "sample",
  summary: "Show the form",
  description: ["One paragraph.", "Another."],
  flags: [
    { name: "zeal", kind: "bool", env: ["ZEAL"], help: "last" },
    { name: "bind", short: "B", kind: "array", env: ["BIND"], meta: "src", help: "first" },
    { name: "count", kind: "int", default: "3", help: "how often" },
    { name: "secret", kind: "bool", hidden: true, help: "nobody sees it" },
  ],
  args: { min: 1, usage: "<image>" },
  examples: [{ text: "Do it", command: "sample -B /a x.sif" }],
};

test("formatCommandHelp() sets summary, usage, description, options and examples", () => {
  expect(formatCommandHelp("apptainer", ["group", "sample"], SAMPLE)).toBe(`Show the form

Usage:
  apptainer [global options...] group sample [options...] <image>

Description:
  One paragraph.

  Another.

Options:
  -B, --bind src  first; may be repeated [APPTAINER_BIND]
      --count n   how often (default 3)
  -h, --help      show this help
      --zeal      last [APPTAINER_ZEAL]

Examples:
  Do it:
    $ apptainer sample -B /a x.sif
`);
});

test("formatFlags() gives a flag that is too long a line of its own", () => {
  const command: CommandSpec = {
    ...SAMPLE,
    flags: [{ name: "a-very-long-name-of-a-flag", kind: "string", meta: "value", help: "does it" }],
  };
  expect(formatFlags("skiff", command)).toBe(
    "      --a-very-long-name-of-a-flag value\n              does it\n  -h, --help  show this help\n",
  );
});

test("formatUsage() of the program asks for a command", () => {
  expect(formatUsage("skiff", [], ROOT)).toBe("Usage:\n  skiff [global options...] <command>\n");
});

describe("help of every command", () => {
  const visit = (
    list: readonly CommandSpec[],
    path: readonly string[],
  ): (readonly [string, CommandSpec])[] =>
    list.flatMap((one) => {
      const here = [...path, one.name];
      return [[here.join(" "), one] as const, ...visit(one.commands ?? [], here)];
    });

  test.each(visit(commands, []))(
    "%s fits a terminal and shows its flags and sub-commands",
    (path, command) => {
      const text = formatCommandHelp("singularity", path.split(" "), command);
      for (const line of text.split("\n")) {
        expect(line).not.toEndWith(" ");
        if (
          !line.includes("$ singularity") &&
          !line.includes("Usage") &&
          !line.includes("[global")
        ) {
          expect(line.length).toBeLessThanOrEqual(80);
        }
      }
      for (const flag of command.flags) {
        if (flag.hidden !== true) expect(text).toContain(`--${flag.name}`);
      }
      for (const sub of command.commands ?? []) {
        expect(text.includes(`\n  ${sub.name} `)).toBe(sub.planned !== true);
      }
    },
  );

  test("formatProgramHelp() lists all but the hidden commands", () => {
    const text = formatProgramHelp("skiff", commands);
    expect(text).toContain("\n  exec        Run a command in a container\n");
    expect(text).not.toContain("__complete");
    expect(text).not.toContain("buildcfg");
  });
});

test("examples are command lines that parse", async () => {
  const { parseCommand, finishFlags, readWords } = await import("./parse.ts");
  const options = { preferNotice: true };
  const { flags: globals } = finishFlags(readWords(ROOT, [], []), {}, options);
  let count = 0;
  for (const command of commands) {
    for (const example of command.examples ?? []) {
      // As a shell would cut it, up to a redirection.
      const words = [
        ...example.command.replace(/ [<>].*/, "").matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g),
      ].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
      const [name = "", ...rest] = words;
      const spec = await findCommand(name);
      if (spec === undefined) throw new Error(`no command ${name}`);
      expect(parseCommand(spec, rest, { ...options, env: {}, globals }).kind).toBe("call");
      count += 1;
    }
  }
  expect(count).toBeGreaterThan(40);
});
