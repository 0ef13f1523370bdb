import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatDiagnostic } from "./diagnostic.ts";
import { parseDefinition } from "./parse.ts";
import { renderDefinition } from "./render.ts";
import { bodyText, headerValue } from "./tree.ts";

const errorsOf = (text: string): string[] =>
  parseDefinition(text).diagnostics.map((d) => `${d.line}:${d.column} ${d.message}`);

describe("parseDefinition()", () => {
  test("splits header, sections and bodies and remembers where they stand", () => {
    const { definition, diagnostics } = parseDefinition(
      "# intro\nBootStrap: docker # why\nFrom:  a:b\n\n%Post -c /bin/bash # c\n  x\n\n%labels\nA 1",
    );
    expect(diagnostics).toEqual([]);
    const [stage] = definition.stages;
    expect(definition.preamble.map((line) => line.text)).toEqual(["# intro"]);
    expect(stage?.entries.map((e) => [e.key, e.value, e.line.number, e.valueColumn])).toEqual([
      ["bootstrap", "docker", 2, 12],
      ["from", "a:b", 3, 8],
    ]);
    expect(
      stage?.sections.map((s) => [s.name, s.rawArguments, s.argumentsColumn, bodyText(s)]),
    ).toEqual([
      ["post", "-c /bin/bash # c", 7, "  x\n\n"],
      ["labels", "", 8, "A 1\n"],
    ]);
  });

  test.each([
    ["from: a\\\nb\\\nc", "abc"],
    ["from: a\\\n\nincludecmd: x", "a"],
    ["from: a\\n\\\n  b", "a\nb"],
    ["from: %{OSVERSION}/x:y", "%{OSVERSION}/x:y"],
    ["from: a\r\n", "a"],
    ["from: a # b\\", "a"],
    ["from:", ""],
    ["from: naïve\udcff", "naïve\udcff"],
  ])("header %j gives from = %j", (header, value) => {
    const { definition, diagnostics } = parseDefinition(`bootstrap: docker\n${header}`);
    expect(diagnostics).toEqual([]);
    expect(definition.stages.map((stage) => headerValue(stage, "from"))).toEqual([value]);
  });

  test("a stage starts at `bootstrap:` in column 1 only, whatever its case", () => {
    const stages = (text: string): number => parseDefinition(text).definition.stages.length;
    expect(stages("Bootstrap: a\n%post\n x\nbootSTRAP: b\n")).toBe(2);
    expect(stages("Bootstrap: a\n%post\n bootstrap: b\n")).toBe(1);
    expect(stages("%post\nx\nBootstrap: a\n")).toBe(2);
    expect(stages("\ufeffBootstrap: a\n")).toBe(1);
  });

  test.each([
    ["", ["1:0 no stages found in definition file"]],
    ["# only\n\n", ["1:0 no stages found in definition file"]],
    ["Bootstrap: docker\nFrom", ["2:1 header key From had no val"]],
    ["Bootstrap: docker\n  Fromm: x", ["2:3 invalid header keyword found: fromm"]],
    ["Bootstrap: a\nOtherURL: x", ["2:1 invalid header keyword found: otherurl"]],
    ["Bootstrap: a\nOtherURL12: x", []],
    ["Bootstrap: a\n%bogus\n", ["2:2 invalid section(s) specified: bogus"]],
    ["Bootstrap: a\n  %post\n", ['2:3 invalid section(s) specified: "%post" is indented']],
    ["Bootstrap: a\n%\n", ["2:2 invalid section(s) specified: "]],
    [
      "Bootstrap: a\n%appenv\n",
      ["2:2 app section appenv: could not be split into section name and app name"],
    ],
    [
      "Bootstrap: a\nx\n%postt\n%runscrip",
      [
        "2:1 header key x had no val",
        "3:2 invalid section(s) specified: postt",
        "4:2 invalid section(s) specified: runscrip",
      ],
    ],
  ])("%j has the errors %j", (text, errors) => {
    expect(errorsOf(text)).toEqual(errors);
  });

  test("a misspelt section is answered with the likely one", () => {
    const [finding] = parseDefinition("Bootstrap: a\n%pots\n").diagnostics;
    if (finding === undefined) throw new Error("no finding");
    expect(formatDiagnostic("x.def", finding)).toBe(
      [
        "x.def:2:2: error: invalid section(s) specified: pots",
        "    2 | %pots",
        "      |  ^",
        '      = expected: perhaps "%post"',
      ].join("\n"),
    );
  });

  const pieces = fc.constantFrom(
    ..."Bootstrap: docker|from: x\\|%post -c|%appenv a|%files from b|# c|{{ A }}|\r\n|\n|\r| |\t|%|é|\udc80|:|\\n\\".split(
      "|",
    ),
  );
  const text = fc.oneof(
    fc.array(pieces, { maxLength: 40 }).map((p) => p.join("")),
    fc.string(),
  );

  test("never throws, and rendering gives the text again", () => {
    fc.assert(fc.property(text, (t) => renderDefinition(parseDefinition(t).definition) === t));
  });

  test("places every error in the line it shows", () => {
    fc.assert(
      fc.property(text, (t) => {
        const lines = t.split("\n").map((line) => line.replace(/\r$/, ""));
        return parseDefinition(t).diagnostics.every(
          (d) =>
            d.column === 0 || (lines[d.line - 1] === d.source && d.column <= d.source.length + 1),
        );
      }),
    );
  });
});
