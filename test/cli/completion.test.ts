import { beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

const dir = scratch("self");

beforeAll(async () => {
  mkdirSync(`${dir}/bin`);
  mkdirSync(`${dir}/folders/folder`, { recursive: true });
  writeFileSync(`${dir}/folders/image.sif`, "");
  writeFileSync(`${dir}/folders/a b.sif`, "");
  symlinkSync(skiffPath, `${dir}/bin/skiff`);
  for (const shell of ["bash", "zsh", "fish", "powershell"]) {
    const { stdout } = await run([skiffPath, "completion", shell], { as: "self" });
    writeFileSync(`${dir}/${shell}`, stdout);
  }
});

async function output(argv: readonly string[]): Promise<readonly string[]> {
  const extraEnv = { PATH: `${dir}/bin:/usr/local/bin:/usr/bin:/bin`, TERM: "dumb" };
  const { stdout, stderr } = await run(argv, { as: "self", extraEnv, cwd: `${dir}/folders` });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}

function missing(shell: string): string | undefined {
  return Bun.which(shell) === null ? `${shell} is not installed` : undefined;
}

/** What each shell must offer: the words typed (the last one is being completed), the answers. */
const CASES: readonly (readonly [readonly string[], readonly string[]])[] = [
  [["expl"], ["explain"]],
  [
    ["exec", "--writ"],
    ["--writable", "--writable-tmpfs"],
  ],
  [["-q", "sif", "he"], ["header"]],
  [
    ["exec", "--no-mount", "ho"],
    ["home", "hostfs"],
  ],
  [["exec", "ima"], ["image.sif"]],
  [["exec", "-W", ""], ["folder"]],
  [["completion", "fi"], ["fish"]],
];

describe("the bash script", () => {
  /** Cuts words as bash does with its usual COMP_WORDBREAKS. */
  const cut = (words: readonly string[]): readonly string[] =>
    words.flatMap((word) =>
      word === "" ? [""] : word.split(/([=:])/).filter((bit) => bit !== ""),
    );

  async function complete(words: readonly string[]): Promise<readonly string[]> {
    const list = cut(words);
    const script = `source ${dir}/bash; COMP_WORDS=(skiff "$@"); COMP_CWORD=$#; _skiff_complete; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return await output(["/bin/bash", "-c", script, "bash", ...list]);
  }

  test.each(CASES)("completes %j", async (words, answers) => {
    expect([...(await complete(words))].sort()).toEqual([...answers].sort());
  });

  test("takes a cut value together, and answers only what is still missing", async () => {
    expect(await complete(["exec", "--contain=fa"])).toEqual(["false"]);
    expect(await complete(["exec", "--no-mount=pro"])).toEqual(["proc"]);
    expect(await complete(["exec", "--bind=ima"])).toEqual(["image.sif"]);
  });

  test("offers names with blanks whole", async () => {
    expect(await complete(["exec", "a"])).toEqual(["a b.sif"]);
  });

  test("registers itself", async () => {
    expect(await output(["/bin/bash", "-c", `source ${dir}/bash; complete -p skiff`])).toEqual([
      "complete -F _skiff_complete skiff",
    ]);
  });
});

describe("the zsh script", () => {
  const skip = testUnless(missing("zsh"));

  /** Stands in for the functions of zsh's completion system, which need a terminal. */
  async function complete(words: readonly string[]): Promise<readonly string[]> {
    const script = `
      compdef() { : }
      compset() { : }
      _describe() { local -a all; all=("\${(@P)3}"); print -rl -- "\${(@)all%%:*}" }
      _files() { if [[ $1 == -/ ]]; then print -rl -- \${words[CURRENT]}*(N/); else print -rl -- \${words[CURRENT]}*(N); fi }
      source ${dir}/zsh
      words=(skiff "$@"); CURRENT=$(( $# + 1 ))
      _skiff`;
    return await output(["zsh", "-f", "-c", script, "zsh", ...words]);
  }

  for (const [words, answers] of CASES) {
    skip(`completes ${JSON.stringify(words)}`, async () => {
      expect([...(await complete(words))].sort()).toEqual([...answers].sort());
    });
  }

  skip("is good syntax", async () => {
    expect(await output(["zsh", "-n", `${dir}/zsh`])).toEqual([]);
  });
});

describe("the fish script", () => {
  const skip = testUnless(missing("fish"));

  async function complete(words: readonly string[]): Promise<readonly string[]> {
    const line = ["skiff", ...words].join(" ");
    const script = `source ${dir}/fish; complete -C '${line}'`;
    const lines = await output(["fish", "--no-config", "-c", script]);
    return lines.map((one) => (one.split("\t")[0] ?? "").replace(/\/$/, ""));
  }

  for (const [words, answers] of CASES) {
    skip(`completes ${JSON.stringify(words)}`, async () => {
      expect([...(await complete(words))].sort()).toEqual([...answers].sort());
    });
  }
});

test("the PowerShell script names the program", async () => {
  const { stdout } = await run([skiffPath, "completion", "powershell"], { as: "self" });
  expect(stdout).toContain("Register-ArgumentCompleter -Native -CommandName 'skiff'");
  expect(stdout).not.toContain("@@");
});
