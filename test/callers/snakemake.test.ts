import { beforeAll, describe, expect } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { noTool } from "../support/host-lacks.ts";
import type { Finished } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { callerLab, mustSucceed } from "./caller-lab.ts";
import { buildSmallImage, noSmallImage } from "./small-image.ts";

const reason = firstReason(noTool("snakemake"), noSmallImage());
const lab = callerLab();
const testSnakemake = testUnless(reason);

beforeAll(async () => {
  if (reason !== undefined) return;
  const sections = '%environment\n    export GREETING="from the image"\n';
  await buildSmallImage(lab, "small.sif", sections);
});

/** Runs a workflow in a directory of its own with all rules in the container. */
async function runWorkflow(
  name: string,
  rules: string,
  { files = {}, options = [], path }: Given = {},
): Promise<Finished & { text(file: string): string; has(file: string): boolean }> {
  const dir = `${lab.dir}/${name}`;
  await lab.run(["mkdir", name]);
  writeFileSync(`${dir}/Snakefile`, `container: "${lab.dir}/small.sif"\n${rules}`);
  for (const [file, text] of Object.entries(files)) writeFileSync(`${dir}/${file}`, text);
  const words = ["snakemake", "--cores", "2", "--use-singularity", "--printshellcmds", ...options];
  const done = await lab.run(words, {
    cwd: dir,
    ...(path === undefined ? {} : { extraEnv: { PATH: path } }),
  });
  return {
    ...done,
    text: (file) => readFileSync(`${dir}/${file}`, "utf8"),
    has: (file) => existsSync(`${dir}/${file}`),
  };
}

interface Given {
  readonly files?: Readonly<Record<string, string>>;
  readonly options?: readonly string[];
  readonly path?: string;
}

describe("snakemake", () => {
  testSnakemake("runs shell rules with input, output, parameters, threads and logs", async () => {
    const done = await runWorkflow(
      "shell",
      `rule all:
    input: "out/second.txt"
rule first:
    output: "out/first one.txt"
    params: text="it's a \\"word\\" $HOME \\\\ ;&"
    shell: "echo {params.text:q} >{output:q}; echo $GREETING >>{output:q}; pwd >>{output:q}"
rule second:
    input: "out/first one.txt"
    output: "out/second.txt"
    threads: 2
    log: "logs/second.log"
    shell:
        """
        tr a-z A-Z <{input:q} | head -n 2 >{output}
        echo threads {threads} >>{output}
        echo logged >{log}
        """
`,
    );
    expect(done.stderr).toContain("Activating singularity image");
    mustSucceed(done);
    const first = `it's a "word" $HOME \\ ;&\nfrom the image\n${lab.dir}/shell\n`;
    expect(done.text("out/first one.txt")).toBe(first);
    expect(done.text("out/second.txt")).toBe(
      `IT'S A "WORD" $HOME \\ ;&\nFROM THE IMAGE\nthreads 2\n`,
    );
    expect(done.text("logs/second.log")).toBe("logged\n");
  });

  testSnakemake(
    "runs scripts, of bash by the image's and of Python by the one it binds",
    async () => {
      const done = await runWorkflow(
        "scripts",
        `rule all:
    input: "bash.txt", "python.txt"
rule bash:
    output: "bash.txt"
    params: number=3
    script: "script.sh"
rule python:
    output: "python.txt"
    params: number=4
    script: "script.py"
`,
        {
          files: {
            "script.sh": 'echo "${snakemake_params[number]} $GREETING" >"${snakemake_output[0]}"\n',
            "script.py": `import os
with open(snakemake.output[0], "w") as out:
    print(snakemake.params.number, os.environ["GREETING"], os.path.exists("/bin/busybox"), file=out)
`,
          },
          // The image has no Python: the host's lends its own, with all that it loads.
          options: ["--singularity-args", "--bind /usr,/lib,/lib64"],
        },
      );
      mustSucceed(done);
      expect(done.text("bash.txt")).toBe("3 from the image\n");
      expect(done.text("python.txt")).toBe("4 from the image True\n");
    },
  );

  testSnakemake("passes on the arguments that its user gives", async () => {
    mkdirSync(`${lab.dir}/data set`);
    lab.write("data set/value.txt", "bound\n");
    const done = await runWorkflow(
      "arguments",
      'rule all:\n    output: "out.txt"\n    shell: "cat /mnt/value.txt >{output}; echo $EXTRA >>{output}; ' +
        'touch /mnt/new 2>/dev/null || echo read-only >>{output}"\n',
      {
        options: [
          "--singularity-args",
          `-B "${lab.dir}/data set":/mnt:ro   --env EXTRA="two words" --no-mount tmp -e`,
        ],
      },
    );
    mustSucceed(done);
    expect(done.text("out.txt")).toBe("bound\ntwo words\nread-only\n");
  });

  testSnakemake("sees a rule fail, and takes back what it left", async () => {
    const done = await runWorkflow(
      "failing",
      'rule all:\n    output: "out.txt"\n    shell: "echo partial >{output}; exit 3"\n',
    );
    expect(done.code).toBe(1);
    expect(done.stderr).toContain("Error in rule all");
    expect(done.has("out.txt")).toBe(false);
    const pipe = await runWorkflow(
      "failing-pipe",
      'rule all:\n    output: "out.txt"\n    shell: "false | cat >{output}"\n',
    );
    expect(pipe.code).toBe(1);
  });

  testSnakemake("tells a missing image from a failing rule", async () => {
    const done = await runWorkflow(
      "no-image",
      `rule all:\n    output: "out.txt"\n    container: "${lab.dir}/none.sif"\n    shell: "echo >{output}"\n`,
    );
    expect(done.code).toBe(1);
    expect(done.stderr).toMatch(/FATAL: .*none\.sif/);
  });

  testSnakemake(
    "takes a `singularity` that says it is apptainer, as distributions ship it",
    async () => {
      const bin = `${lab.dir}/as-apptainer`;
      mkdirSync(bin);
      writeFileSync(`${bin}/singularity`, `#!/bin/sh\nexec ${lab.bin}/apptainer "$@"\n`);
      chmodSync(`${bin}/singularity`, 0o755);
      const done = await runWorkflow(
        "as-apptainer-run",
        'rule all:\n    output: "out.txt"\n    shell: "echo $APPTAINER_NAME >{output}"\n',
        { path: `${bin}:/usr/local/bin:/usr/bin:/bin` },
      );
      mustSucceed(done);
      expect(done.text("out.txt")).toBe("small.sif\n");
    },
  );
});
