import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseBuildArgument } from "./build-arguments.ts";
import { checkDefinition } from "./check.ts";
import { splitFileWords } from "./file-list.ts";
import { formatDefinition } from "./format.ts";
import { definitionJson } from "./json.ts";
import { parseDefinition } from "./parse.ts";
import { recipeOf } from "./recipe.ts";
import { scriptArgv, storedScript } from "./script.ts";
import { substituteArguments } from "./substitute.ts";

const parse = (text: string) => parseDefinition(text).definition;
const stageOf = (text: string) => {
  const [stage] = recipeOf(parse(text)).stages;
  if (stage === undefined) throw new Error("no stage");
  return stage;
};

describe("recipeOf()", () => {
  test("joins repeated sections, the last arguments win", () => {
    const stage = stageOf("Bootstrap: scratch\n%post -u\na\n%post\nb\n%post -c bash # x\nc");
    expect(stage.post).toEqual({ arguments: "-c bash", text: "a\nb\nc\n", line: 2 });
  });

  test("an empty section at the end of the file is none, one with a blank line is one", () => {
    expect(stageOf("Bootstrap: scratch\n%runscript").runscript).toBeUndefined();
    expect(stageOf("Bootstrap: scratch\n%runscript\n\n").runscript?.text).toBe("\n");
  });

  test("merges %files with equal arguments and voids odd ones", () => {
    const stage = stageOf(
      'Bootstrap: scratch\n%files\na b\n%files from one\nc\n%files x\nd\n%files\n# no\n "e f" g h\n',
    );
    expect(stage.files).toEqual([
      {
        from: undefined,
        transfers: [
          { source: "a", target: "b", line: 3 },
          { source: "e f", target: "g", line: 10 },
        ],
      },
      { from: "one", transfers: [{ source: "c", target: "", line: 5 }] },
    ]);
  });

  test("labels are split at the first space and keep a colon in the key", () => {
    const stage = stageOf("Bootstrap: scratch\n%labels\n A b c\n Q: a\n#x\n N\n A d\n");
    expect([...stage.labels]).toEqual([
      ["A", "d"],
      ["Q:", "a"],
      ["N", ""],
    ]);
  });

  test("collects apps in order of first appearance", () => {
    const stage = stageOf("Bootstrap: scratch\n%apprun b\nx\n%appenv a\ny\n%apphelp b\nz\n");
    expect(
      stage.apps.map((app) => [app.name, app.run?.text, app.env?.text, app.help?.text]),
    ).toEqual([
      ["b", "x\n", undefined, "z\n"],
      ["a", undefined, "y\n", undefined],
    ]);
  });
});

test.each([
  ["a b c", ["a", "b", "c"]],
  ['"a b" "c,d"', ["a b", "c,d"]],
  ["x{{ A }}y {{B}}", ["x{{ A }}y", "{{B}}"]],
  ["it's here", ["it's", "here"]],
])("splitFileWords(%j) gives %j", (text, words) => {
  expect(splitFileWords(text)).toEqual(words);
});

test.each([
  ["", ["/bin/sh", "-ex", "/s"]],
  ["-u -o pipefail", ["/bin/sh", "-ex", "-u", "-o", "pipefail", "/s"]],
  ["-c /bin/bash", ["/bin/sh", "-ex", "-c", "/bin/bash /s"]],
  ["-u -c python3 -B", ["/bin/sh", "-ex", "-u", "-c", "python3 -B /s"]],
])("scriptArgv() with section arguments %j gives %j", (given, argv) => {
  expect(scriptArgv("post", { arguments: given, text: "x\n", line: 1 }, "/s")).toEqual(argv);
});

test("scriptArgv() refuses -c without a command, in the peer's words", () => {
  expect(() => scriptArgv("post", { arguments: "-c", text: "", line: 1 }, "/s")).toThrow(
    "bad post section '-c' parameter: missing arguments",
  );
});

test.each([
  ["", "  echo\n\n", "#!/bin/sh\n\n  echo\n\n\n"],
  ["-x", "  echo\n", "#!/bin/sh -x\n\n  echo\n\n"],
  ["", "  #!/bin/bash -e\n  echo\n", "#!/bin/bash -e\n\n  echo\n\n"],
  ["-x", "#!/bin/bash\necho\n", "#!/bin/bash -x\n\necho\n\n"],
  ["", "\n#!/bin/bash\necho\n", "#!/bin/bash\n\necho\n\n"],
])("storedScript() with arguments %j and body %j", (given, text, stored) => {
  expect(storedScript({ arguments: given, text, line: 1 })).toBe(stored);
});

describe("substituteArguments()", () => {
  const fill = (text: string, given: Record<string, string> = {}) => {
    const done = substituteArguments(parse(text), new Map(Object.entries(given)));
    const errors = done.diagnostics.map((d) => `${d.line}:${d.column} ${d.message}`);
    return { text: recipeOf(done.definition).text, errors, used: [...done.used] };
  };

  test("fills header and bodies; the command line wins over %arguments", () => {
    const text = "Bootstrap: {{A}}\nFrom: {{ B }}\n%arguments\nA=docker\nB=x\n";
    expect(fill(text, { B: "y", C: "z" })).toEqual({
      text: "Bootstrap: docker\nFrom: y\n%arguments\nA=docker\nB=x\n",
      errors: [],
      used: ["A", "B"],
    });
  });

  test("a default may use another argument, one level deep", () => {
    const text =
      "Bootstrap: scratch\n%arguments\nA=1\nB={{ A }}\nC={{ B }}\n%help\n{{ B }} {{ C }}\n";
    expect(fill(text).text).toEndWith("%help\n1 {{ A }}\n");
  });

  test.each([
    ["# {{ X }}", "# {{ X }}"],
    ["a # {{ X }}", "a # {{ X }}"],
    ["#! {{ A }}", "#! 1"],
    ["{{ A }} # {{ X }}", "1 # {{ X }}"],
    ["{{ A-B }} {A}", "{{ A-B }} {A}"],
  ])("line %j becomes %j", (line, out) => {
    const { text, errors } = fill(`Bootstrap: scratch\n%help\n${line}\n`, { A: "1" });
    expect([text, errors]).toEqual([`Bootstrap: scratch\n%help\n${out}\n`, []]);
  });

  test("an undefined name is an error with its place in the file", () => {
    const { errors } = fill("# c\n# d\nBootstrap: scratch\n%post\n  echo {{ NO }}\n");
    expect(errors).toEqual([
      "5:8 build var NO is not defined through either --build-arg (--build-arg-file) or 'arguments' section",
    ]);
  });

  test("defaults are per stage", () => {
    const text = "Bootstrap: scratch\n%arguments\nA=1\nBootstrap: scratch\n%help\n{{ A }}\n";
    expect(fill(text).errors).toHaveLength(1);
    expect(fill(text, { A: "2" }).errors).toEqual([]);
  });

  test("lines keep their numbers behind a dropped preamble", () => {
    const done = substituteArguments(parse("# a\n\nBootstrap: scratch\n%post\n"), new Map());
    expect(done.definition.stages[0]?.sections[0]?.heading.number).toBe(4);
  });
});

test.each([
  ["A=b", { name: "A", value: "b" }],
  [" A = b=c ", { name: "A", value: "b=c" }],
  ["A=", { name: "A", value: "" }],
  ["=b", undefined],
  ["A", undefined],
])("parseBuildArgument(%j) gives %j", (text, argument) => {
  expect(parseBuildArgument(text)).toEqual(argument);
});

describe("checkDefinition()", () => {
  test.each([
    ["%post\nx\n", ["1:1 error no bootstrap specification found"]],
    ["From: x\n", ["1:1 error no bootstrap specification found"]],
    [
      "%post\nx\nBootstrap: scratch\n",
      ["1:1 error multiple stages detected, all must have headers"],
    ],
    ["Bootstrap: LocalImage\nFrom: x\n", ["1:12 error invalid build source LocalImage"]],
    ["Bootstrap: constructor\n", ["1:12 error invalid build source constructor"]],
    ["Bootstrap: docker\n", ["1:1 error invalid docker header, no from specified"]],
    ["Bootstrap: scratch\n%files from x\na b\n", ["2:8 error stage x was not found"]],
    [
      "Bootstrap: scratch\nStage: a\n%files from b\n\nBootstrap: scratch\nStage: b\n%files from a\n",
      ["3:8 error stage b was not found"],
    ],
    [
      "Bootstrap: scratch\n%post -c\n",
      ["2:7 error bad post section '-c' parameter: missing arguments"],
    ],
    [
      "Bootstrap: scratch\nFrom: x\n",
      ["2:1 warning the agent scratch does not read the header key from"],
    ],
    ["Bootstrap: debootstrap\nOSVersion: bookworm\n", []],
  ])("%j has %j", (text, findings) => {
    const found = checkDefinition(parse(text));
    expect(found.map((d) => `${d.line}:${d.column} ${d.severity} ${d.message}`)).toEqual(findings);
  });
});

describe("formatDefinition()", () => {
  test("gives one layout", () => {
    expect(
      formatDefinition(
        parse("BOOTSTRAP:  docker\r\nmirrorurl:x\r\n%Post\r\n  a  \r\n\r\n\r\n%labels\r\nA 1 "),
      ),
    ).toBe("Bootstrap: docker\nMirrorURL: x\n\n%post\n  a  \n\n%labels\n    A 1\n");
  });

  test("formatting twice changes nothing more and keeps the meaning", () => {
    const line = fc.constantFrom(
      "%post",
      "%labels",
      "  a b",
      "",
      "# c",
      "%files from x",
      "bootstrap: y",
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        const before = parse(`Bootstrap: scratch\n${lines.join("\n")}`);
        const once = formatDefinition(before);
        expect(formatDefinition(parse(once))).toBe(once);
        const meaning = (text: typeof before) =>
          definitionJson(text).stages.map((s) => [s.header, s.labels, s.files.map((f) => f.from)]);
        expect(meaning(parse(once))).toEqual(meaning(before));
      }),
    );
  });
});
