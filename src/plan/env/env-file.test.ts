import { describe, expect, test } from "bun:test";
import { memoryView } from "../../../test/support/memory-view.ts";
import { type EnvFileResult, evaluateEnvFile } from "./env-file.ts";

function evaluate(text: string): EnvFileResult {
  return evaluateEnvFile({
    file: { path: "vars", text },
    host: { HOME: "/home/ann", FROMHOST: "fh", USER: "ann", PATH: "/bin" },
    imagePath: "/img/x.sif",
    action: "exec",
    arguments: ["env", "a b"],
    cwd: "/here",
    files: {
      view: memoryView({ "/scratch": "dir" }),
      isKnown: () => true,
      uid: 7,
      gid: 7,
      groups: [],
    },
    computed: (name) => ({ $: "4711", RANDOM: "99", PPID: "1", "~root": "/root" })[name],
  });
}

function values(text: string): Record<string, string> {
  const result = evaluate(text);
  if (result.kind !== "values") throw new Error(JSON.stringify(result));
  return Object.fromEntries(result.variables.map(({ name, value }) => [name, value]));
}

describe("evaluateEnvFile()", () => {
  const cases: [string, Record<string, string>][] = [
    ["A=1", { A: "1" }],
    ['export B="x y"', { B: "x y" }],
    ["A=1\nC=$A-$HOME-$(echo sub)", { A: "1", C: "1-/home/ann-sub" }],
    ["# only a comment\n", {}],
    ["D='single $HOME'", { D: "single $HOME" }],
    ["IMG=$APPTAINER_IMAGE", { IMG: "/img/x.sif" }],
    ['ARGS="$0|$1|$2|$3|$#"', { ARGS: "apptainer|/.singularity.d/actions/exec|env|a b|3" }],
    ["E=", { E: "" }],
    ["unset USER", {}],
    ["HOSTV=$FROMHOST", { HOSTV: "fh" }],
    ["FROMHOST=over", { FROMHOST: "over" }],
    ["FROMHOST=fh", { FROMHOST: "fh" }],
    ["PATH=/ef:$PATH", { PATH: "/ef:/bin" }],
    ["HOME=/x", {}],
    ["[ -d /scratch ] && A=dir; [ -d /none ] || B=none", { A: "dir", B: "none" }],
    // Outside quotes a backslash stays: what is injected is evaluated once more.
    ["A=\\$HOME", { A: "\\$HOME" }],
    ["A=^\\d+\\ x$", { A: "^\\d+\\ x$" }],
    ["export A=C:\\dir", { A: "C:\\dir" }],
    ['A="\\$HOME"', { A: "$HOME" }],
    ["A=a\\\nb", { A: "ab" }],
    ["A=$(echo a\\ b)", { A: "a b" }],
    ["A=$$\nB=x.$RANDOM\nC=${PPID}\nD=[$SECONDS$!]", { A: "4711", B: "x.99", C: "1", D: "[]" }],
    ["A=$UID,$EUID,$GID\nUID=8", { A: "7,7,7" }],
    ["A=1\nB=$LINENO", { A: "1", B: "2" }],
    ["A=~/a\nB=~root/b\nC=~nobody/c", { A: "/home/ann/a", B: "/root/b", C: "~nobody/c" }],
    ["set -x\nA=1\nlocal B=2", { A: "1" }],
    ["if true; then F=cond; fi\nf() { K=in; }\nf", { F: "cond", K: "in" }],
  ];
  for (const [text, expected] of cases) {
    test(`reads ${JSON.stringify(text)}`, () => {
      expect(values(text)).toEqual(expected);
    });
  }

  test("runs no program, and says which one", () => {
    const text = expect.stringMatching(/vars:2.*BAD.*execution is disabled/);
    expect(evaluate("A=2\nBAD LINE HERE\n")).toMatchObject({ kind: "failed", text });
  });

  test("a program in a substitution gives nothing, with a complaint", () => {
    expect(evaluate("A=$(date)x\nB=2")).toMatchObject({
      kind: "values",
      variables: [
        { name: "A", value: "x" },
        { name: "B", value: "2" },
      ],
      complaints: [expect.stringMatching(/date.*execution is disabled/)],
    });
  });

  test("names the file of a syntax error", () => {
    const result = evaluate('Q="unterminated\n');
    expect(result).toMatchObject({ kind: "failed", text: expect.stringContaining("vars:") });
  });
});
