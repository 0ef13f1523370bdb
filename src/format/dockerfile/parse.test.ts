import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { checkDockerfile } from "./check.ts";
import { parseDockerfile, parseInstruction } from "./parse.ts";
import { renderDockerfile } from "./render.ts";
import { stagesOf } from "./stages.ts";
import { instructionsOf } from "./tree.ts";

function instructions(text: string) {
  return instructionsOf(parseDockerfile(text).file);
}

function findings(text: string): string[] {
  const { file, diagnostics } = parseDockerfile(text);
  return [...diagnostics, ...checkDockerfile(file)].map(
    ({ severity, line, message }) => `${line} ${severity}: ${message}`,
  );
}

describe("parseDockerfile()", () => {
  test("joins continued lines, leaving out comments and empty lines among them", () => {
    const [, run] = instructions("from x\nRun a \\\n  # no \\\n\n  b \\ \n# end\nc\nENV d=e\n");
    expect(run).toMatchObject({ keyword: "RUN", rest: "a   b c" });
    expect(run?.lines.map(({ number }) => number)).toEqual([2, 3, 4, 5, 6, 7]);
  });

  test("a doubled escape sign at the end of a line continues nothing", () => {
    expect(instructions("RUN a\\\\\nRUN b").map(({ rest }) => rest)).toEqual(["a\\\\", "b"]);
  });

  test("reads the escape directive only at the top", () => {
    expect(instructions("# escape=`\nRUN a `\n b\\\nRUN c").map(({ rest }) => rest)).toEqual([
      "a  b\\",
      "c",
    ]);
    expect(parseDockerfile("# x\n# escape=`\n").file.escapeSign).toBe("\\");
    expect(parseDockerfile("\n# escape=`\n").file.escapeSign).toBe("\\");
    expect(parseDockerfile("# syntax=a/b:1\n#ESCAPE = `\n").file).toMatchObject({
      syntax: "a/b:1",
      escapeSign: "`",
    });
    expect(findings("#escape=x\nFROM a")).toEqual(["1 error: invalid escape token 'x'"]);
  });

  test("takes flags apart from words", () => {
    const [copy] = instructions('COPY --from=a --link --chown="b c" --parents=false d --e f');
    expect(copy?.flags).toEqual([
      { name: "from", value: "a" },
      { name: "link", value: undefined },
      { name: "chown", value: "b c" },
      { name: "parents", value: "false" },
    ]);
    expect(copy?.rest).toBe("d --e f");
  });

  test("reads exec forms, and takes what is no list of texts as words", () => {
    const lists = instructions('RUN ["a", "b c"]\nCMD [1]\nENTRYPOINT [\'a\']\nENV ["a"]=b').map(
      ({ list }) => list,
    );
    expect(lists).toEqual([["a", "b c"], undefined, undefined, undefined]);
  });

  const documents: readonly (readonly [string, unknown])[] = [
    ["RUN <<E\n a\n\tb\nE\nRUN c", [["E", true, false, " a\n\tb\n"]]],
    ["RUN <<-E\n\ta\n\tE\n", [["E", true, true, "\ta\n"]]],
    ["RUN <<'E F'\na\nE F\n", [["E F", false, false, "a\n"]]],
    [
      'COPY <<A <<"B" /x/\n1\nA\n2\nB\n',
      [
        ["A", true, false, "1\n"],
        ["B", false, false, "2\n"],
      ],
    ],
    ['RUN echo "<<E"\n', []],
    ["RUN cat<<E\n", []],
    ["RUN echo $((1 << 2))\n", []],
    ["RUN cat 3<<E && \\\n b\na \\\nE\n", [["E", true, false, "a \\\n"]]],
    ["CMD <<E\n", []],
  ];
  for (const [text, expected] of documents) {
    test(`finds the here-documents of ${JSON.stringify(text)}`, () => {
      const [first] = instructions(text);
      expect(
        first?.documents.map(({ name, expands, chomps, content }) => [
          name,
          expands,
          chomps,
          content,
        ]),
      ).toEqual(expected as never);
    });
  }

  test("a here-document without its end is an error at its beginning", () => {
    expect(findings("FROM a\nRUN <<E\nx\n")).toEqual(["2 error: the here-document E has no end"]);
  });

  test("takes stages apart", () => {
    const { file } = parseDockerfile("ARG A\nFROM --platform=p b AS C\nRUN d\nfrom e");
    const { before, stages } = stagesOf(file);
    expect(before.map(({ rest }) => rest)).toEqual(["A"]);
    expect(
      stages.map(({ base, platform, name, steps }) => [base, platform, name, steps.length]),
    ).toEqual([
      ["b", "p", "c", 1],
      ["e", "", "", 0],
    ]);
  });

  test("an instruction of its own keeps its here-document", () => {
    expect(parseInstruction("RUN <<E\na\nE", "\\")?.documents[0]?.content).toBe("a\n");
    expect(parseInstruction(" # no\n", "\\")).toBeUndefined();
  });

  test("prints back what it read, whatever that is, and checks it without fail", () => {
    const piece = fc.constantFrom(
      ...[
        "FROM a\n",
        "RUN ",
        "COPY ",
        "<<E ",
        "E\n",
        "\\\n",
        "\\",
        "`",
        "\n",
        "\r\n",
        "# x\n",
        '["a"]',
      ],
      ...[
        "# escape=`\n",
        " ",
        "--from=b ",
        "ONBUILD ",
        "ENV a=b ",
        "'",
        '"',
        "\ufeff",
        "é",
        "=",
        "--x",
      ],
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 30 }).map((parts) => parts.join("")),
      fc.string({ unit: "binary", maxLength: 200 }),
    );
    fc.assert(
      fc.property(text, (source) => {
        const { file } = parseDockerfile(source);
        expect(renderDockerfile(file)).toBe(source);
        checkDockerfile(file);
      }),
    );
  });
});

describe("checkDockerfile()", () => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ["FROM a AS b\nRUN c\n", []],
    ["", ["1 error: the file has no stage"]],
    ["RUN a\nFROM b", ["1 error: no build stage in current context"]],
    ["FROM a b\n", ["1 error: FROM requires either one or three arguments"]],
    ["FROM a AS 1b\n", ['1 error: invalid name for build stage: "1b"']],
    ["FROM a\nRUNN b\n", ["2 error: unknown instruction: RUNN"]],
    ["FROM a\nCOPY --form=b c d\n", ["2 error: unknown flag: --form"]],
    ["FROM a\nCOPY b\n", ["2 error: COPY requires at least two arguments"]],
    ["FROM a\nCOPY --from=3 b c\n", ["2 error: there is no stage 3 above"]],
    ["FROM a\nENV b\n", ["2 error: ENV must have two arguments"]],
    ["FROM a\nENV b=c d\n", ['2 error: can\'t find = in "d"']],
    ["FROM a\nSHELL /bin/bash\n", ["2 error: SHELL requires the arguments to be in JSON form"]],
    ["FROM a\nONBUILD FROM b\n", ["2 error: FROM isn't allowed as an ONBUILD trigger"]],
    [
      "FROM a\nRUN --mount=type=ssh b\n",
      ["2 error: Cannot honour --mount=type=ssh: no agent is passed into a build"],
    ],
    ["FROM a\nHEALTHCHECK --interval=x CMD b\n", ['2 error: "x" is no time such as 30s or 1m30s']],
    [
      "FROM a\nRUN a \\\n\n b\n",
      ["3 warning: an empty line stands inside a continued instruction"],
    ],
  ];
  for (const [text, expected] of cases) {
    test(`finds ${JSON.stringify(expected)} in ${JSON.stringify(text)}`, () => {
      expect(findings(text)).toEqual([...expected]);
    });
  }
});
