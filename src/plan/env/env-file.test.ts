import { describe, expect, test } from "bun:test";
import { type EnvFileResult, evaluateEnvFile } from "./env-file.ts";

function evaluate(
  text: string,
  host: Readonly<Record<string, string>> = { FOO: "host", HOME: "/h" },
): EnvFileResult {
  return evaluateEnvFile({
    file: { path: "vars", text },
    host,
    imagePath: "/x.sif",
    action: "exec",
    arguments: ["env", "a b"],
    cwd: "/here",
  });
}

function values(text: string): Record<string, string> {
  const result = evaluate(text);
  if (result.kind !== "values") throw new Error(JSON.stringify(result));
  return Object.fromEntries(result.variables.map(({ name, value }) => [name, value]));
}

describe("evaluateEnvFile()", () => {
  const cases: [string, string, Record<string, string>][] = [
    [
      "plain and exported assignments",
      "# c\nA=1\nexport B=\"two words\"\n\nC='$HOME'\n",
      { A: "1", B: "two words", C: "$HOME" },
    ],
    ["references to the host and to earlier lines", "A=1\nD=$A$FOO\n", { A: "1", D: "1host" }],
    [
      "the image and the command",
      'E=$APPTAINER_IMAGE\nF="$0|$1|$2|$3|$#"\n',
      { E: "/x.sif", F: "apptainer|/.singularity.d/actions/exec|env|a b|3" },
    ],
    ["host variables only when assigned", "FOO=over\n", { FOO: "over" }],
    ["equal values too", "FOO=host\n", { FOO: "host" }],
    ["conditions and functions", "if true; then H=c; fi\nf() { K=in; }\nf\n", { H: "c", K: "in" }],
    ["empty values", "I=\n", { I: "" }],
    ["the working directory", "L=$PWD\n", { L: "/here" }],
    [
      "names that cannot be given left out",
      "HOME=/x\nUID=5\nGID=5\nEUID=5\nIFS=x\nOPTIND=3\nPWD=/y\nA=1\n",
      { A: "1" },
    ],
    ["carriage returns", "A=a\r\nB=x\r\n", { A: "a", B: "x" }],
    ["tildes", "B=~/x\nC='~'\n", { B: "/h/x", C: "~" }],
    ["unset names left out", "A=1\nunset A FOO\nB=${FOO:-none}\n", { B: "none" }],
  ];
  for (const [what, text, expected] of cases) {
    test(`gives ${what}`, () => expect(values(text)).toEqual(expected));
  }

  test("fails on a syntax error and on an exit status", () => {
    expect(evaluate("A=1\nfi\n")).toEqual({
      kind: "failed",
      text: 'Cannot evaluate "vars": vars:2: syntax error near unexpected token `fi\'',
    });
    expect(evaluate("A=1; exit 4\n")).toEqual({
      kind: "failed",
      text: 'Cannot evaluate "vars": exit status 4',
    });
    expect(evaluate("A=1; exit 0\n").kind).toBe("values");
  });

  test("asks for a shell of the host when a program is run", () => {
    const result = evaluate("A=1\nB=$(hostname)\n");
    if (result.kind !== "shell") throw new Error(result.kind);
    expect(result.reason).toBe('vars:2: runs "hostname"');
    expect(result.argv.slice(0, 4)).toEqual(["bash", "--norc", "--noprofile", "-c"]);
    expect(result.argv.slice(5)).toEqual([
      "apptainer",
      "./vars",
      "/.singularity.d/actions/exec",
      "env",
      "a b",
    ]);
    expect(result.env).toContain("FOO=host");
  });
});
