import { describe, expect } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ociArguments, recogniseOciRunscript } from "../../src/plan/env/oci-arguments.ts";
import { writeOciEnvironment, writeOciRunscript } from "../../src/plan/env/oci-scripts.ts";
import { ENVIRONMENT_HEADER, STANDARD_SCRIPTS } from "../../src/plan/env/standard-scripts.ts";
import { noTool } from "../support/host-lacks.ts";
import { testUnless } from "../support/skip.ts";
import { evaluateHere } from "./evaluate-here.ts";

/** Shells that images bring along. */
const SHELLS = ["dash", "bash"];

function runShell(
  shell: string,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { code: number; output: string } {
  const done = Bun.spawnSync([shell, ...argv], {
    env: { PATH: "/usr/bin:/bin", ...env },
    stdin: "ignore",
    stderr: "inherit",
  });
  return { code: done.exitCode, output: done.stdout.toString() };
}

describe("the scripts that images carry", () => {
  for (const shell of SHELLS) {
    testUnless(noTool(shell))(`make in ${shell} what the evaluation makes`, () => {
      const texts = [
        ...STANDARD_SCRIPTS.filter(({ path }) => path.includes("/env/")).map(({ text }) => text),
        ENVIRONMENT_HEADER,
        writeOciEnvironment([
          "PATH=/a:/b",
          "Q=x \"y\" $z `w` \\ 'v'",
          "EMPTY=",
          "NONE",
          "bad-name=1",
          "A=b=c",
          "N=a\nb",
        ]),
      ];
      for (const text of texts) {
        const here = evaluateHere(
          `PATH=/usr/bin:/bin\n${text}\nexport -n PWD HOME; SING_USER_DEFINED_PATH=; export PATH`,
        );
        if (typeof here === "string") throw new Error(here);
        const there = runShell(shell, [
          "-c",
          `unset PS1\nPATH=/usr/bin:/bin\n${text}\nexport PATH\nunset PWD OLDPWD SHLVL _\nexec /usr/bin/env -0`,
        ]);
        const records = there.output
          .split("\0")
          .filter((record) => record !== "" && !/^(?:PWD|OLDPWD|SHLVL|_)=/.test(record));
        expect(records.sort()).toEqual(
          Object.entries(here.exported)
            .map(([name, value]) => `${name}=${value}`)
            .sort(),
        );
      }
    });

    testUnless(noTool(shell))(`run in ${shell} what is read from an OCI runscript`, () => {
      const dir = mkdtempSync(join(tmpdir(), "oci-"));
      try {
        const words = ["/usr/bin/printf", "<%s>"];
        const odd = ["it's", 'q"q', "$HOME", "`x`", "a\\b", "", "a  b", "*"];
        const cases: [string[], string[], string[]][] = [
          [words, [], []],
          [words, [], ["a", "b c"]],
          [[], [...words, ...odd], []],
          [words, odd, []],
          [words, odd, ["$HOME", "x y"]],
          [[...words, ...odd], [], ["z"]],
          [[], ["ignored"], [...words, "u"]],
          [[], [], [...words, "u"]],
        ];
        for (const [entrypoint, cmd, args] of cases) {
          const text = writeOciRunscript(entrypoint, cmd);
          const runscript = recogniseOciRunscript(text);
          if (runscript === undefined) throw new Error("not recognised");
          writeFileSync(join(dir, "runscript"), text);
          for (const noEval of [false, true]) {
            const made = ociArguments({
              runscript,
              arguments: args,
              noEval,
              variables: { HOME: "/h" },
            });
            if (made.kind !== "argv") throw new Error(made.kind);
            const env: Record<string, string> = noEval
              ? { HOME: "/h", SINGULARITY_NO_EVAL: "1" }
              : { HOME: "/h" };
            const there = runShell(shell, [join(dir, "runscript"), ...args], env);
            expect(there).toEqual({
              code: 0,
              output:
                made.argv
                  .slice(2)
                  .map((word) => `<${word}>`)
                  .join("") || "<>",
            });
          }
        }
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    });

    testUnless(noTool(shell))(`are valid for ${shell}`, () => {
      const dir = mkdtempSync(join(tmpdir(), "std-"));
      try {
        mkdirSync(join(dir, "x"));
        for (const { text } of STANDARD_SCRIPTS) {
          writeFileSync(join(dir, "x", "script"), text);
          expect(runShell(shell, ["-n", join(dir, "x", "script")])).toEqual({
            code: 0,
            output: "",
          });
        }
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    });
  }
});
