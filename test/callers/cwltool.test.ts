import { beforeAll, describe, expect } from "bun:test";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { noTool } from "../support/host-lacks.ts";
import { asOrdinaryUser } from "../support/ordinary-user.ts";
import type { Finished } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { callerLab, mustSucceed } from "./caller-lab.ts";
import { buildSmallImage, noSmallImage } from "./small-image.ts";

const reason = firstReason(noTool("cwltool"), noSmallImage());
const lab = callerLab();
const testCwl = testUnless(reason);

beforeAll(async () => {
  if (reason !== undefined) return;
  await lab.sh("mkdir cache in out");
  await buildSmallImage(
    lab,
    "cache/quay.example.org_small_1.0.sif",
    '%environment\n    export GREETING="from the image"\n',
  );
});

interface Tool {
  readonly script: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
  readonly requirements?: Readonly<Record<string, unknown>>;
  readonly more?: Readonly<Record<string, unknown>>;
  readonly job?: unknown;
  readonly options?: readonly string[];
}

/** Runs one CWL tool by cwltool with its containers, and gives what it left. */
async function runTool(name: string, tool: Tool): Promise<Finished & { readonly out: string }> {
  const document = {
    cwlVersion: "v1.2",
    class: "CommandLineTool",
    requirements: {
      // Found in the cache directory by its name, so that nothing is pulled.
      DockerRequirement: { dockerPull: "quay.example.org/small_1.0" },
      ...tool.requirements,
    },
    baseCommand: ["sh", "-c", tool.script, "sh"],
    inputs: tool.inputs ?? {},
    outputs: tool.outputs ?? { out: { type: "stdout" } },
    ...(tool.outputs === undefined ? { stdout: "out.txt" } : {}),
    ...tool.more,
  };
  lab.write(`${name}.cwl`, JSON.stringify(document));
  lab.write(`${name}.json`, JSON.stringify(tool.job ?? {}));
  const out = `${lab.dir}/out/${name}`;
  const words = ["--singularity", "--relax-path-checks", "--outdir", out, ...(tool.options ?? [])];
  const done = await lab.run(["cwltool", ...words, `${name}.cwl`, `${name}.json`], {
    extraEnv: { CWL_SINGULARITY_CACHE: `${lab.dir}/cache` },
  });
  return { ...done, out };
}

function outputOf(done: Finished & { readonly out: string }): string[] {
  mustSucceed(done);
  return readFileSync(`${done.out}/out.txt`, "utf8").trimEnd().split("\n");
}

describe("cwltool", () => {
  testCwl("finds that user namespaces work, and gives a step without network none", async () => {
    const done = await runTool("probe", {
      script: "ip -o link | wc -l",
    });
    expect(done.stderr).toContain("--userns");
    expect(done.stderr).toContain("--network \\\n    none");
    expect(outputOf(done)).toEqual(["1"]);
  });

  testCwl("gives a step the network of the host when it asks for it", async () => {
    const done = await runTool("network", {
      script: "readlink /proc/self/ns/net",
      requirements: { NetworkAccess: { networkAccess: true } },
    });
    const own = await lab.run(["readlink", "/proc/self/ns/net"]);
    expect(done.stderr).not.toContain("--network");
    expect(outputOf(done)).toEqual([own.stdout.trim()]);
  });

  testCwl("reads input files whatever their names", async () => {
    const names = [
      "a b.txt",
      "a'b.txt",
      'a"b.txt',
      "a$b.txt",
      "a;b&c.txt",
      "ä-é.txt",
      "*.txt",
      "-n.txt",
    ];
    for (const [at, name] of names.entries()) lab.write(`in/${name}`, `content ${at}\n`);
    const done = await runTool("names", {
      script: 'for file; do case $file in /*) cat "$file";; esac; done',
      inputs: { files: { type: "File[]", inputBinding: {} } },
      job: { files: names.map((name) => ({ class: "File", path: `in/${name}` })) },
    });
    expect(outputOf(done)).toEqual(names.map((_, at) => `content ${at}`));
  });

  testCwl("mounts inputs read-only and a directory as a whole", async () => {
    mkdirSync(`${lab.dir}/in/tree/below`, { recursive: true });
    lab.write("in/tree/below/leaf", "leaf\n");
    const done = await runTool("tree", {
      script: 'cat "$1/below/leaf"; touch "$1/new" 2>/dev/null || echo read-only',
      inputs: { tree: { type: "Directory", inputBinding: {} } },
      job: { tree: { class: "Directory", path: "in/tree" } },
    });
    expect(outputOf(done)).toEqual(["leaf", "read-only"]);
    expect(existsSync(`${lab.dir}/in/tree/new`)).toBe(false);
  });

  testCwl("sets the environment that the tool asks for, and no other", async () => {
    const done = await runTool("environment", {
      script:
        'printf "%s\\n" "$COLOUR" "$GREETING" "$LANG" "${USER-unset}" "$TMPDIR"; [ "$HOME" = "$PWD" ]',
      requirements: {
        EnvVarRequirement: { envDef: { COLOUR: "blue, 'single' \"double\" back\\slash = x" } },
      },
    });
    expect(outputOf(done)).toEqual([
      "blue, 'single' \"double\" back\\slash = x",
      "from the image",
      "C",
      "unset",
      "/tmp",
    ]);
  });

  testCwl("keeps standard output, standard error and standard input apart", async () => {
    lab.write("in/stdin.txt", "from the file\n");
    const done = await runTool("streams", {
      script: "cat; echo to-stderr >&2",
      inputs: { source: { type: "File" } },
      outputs: { out: { type: "stdout" }, err: { type: "stderr" } },
      more: { stdin: "$(inputs.source.path)", stdout: "out.txt", stderr: "err.txt" },
      job: { source: { class: "File", path: "in/stdin.txt" } },
    });
    expect(outputOf(done)).toEqual(["from the file"]);
    expect(readFileSync(`${done.out}/err.txt`, "utf8")).toBe("to-stderr\n");
  });

  testCwl("collects the files that the step wrote, as the caller's own", async () => {
    const done = await runTool("files", {
      script: "mkdir d; echo one >d/1.txt; echo two >'d/2 2.txt'; echo tmp >/tmp/kept-apart",
      outputs: { files: { type: "File[]", outputBinding: { glob: "d/*.txt" } } },
    });
    mustSucceed(done);
    expect(
      JSON.parse(done.stdout).files.map((file: { basename: string }) => file.basename),
    ).toEqual(["1.txt", "2 2.txt"]);
    const owned = await lab.run(["find", done.out, "!", "-user", String(userId())]);
    expect(owned.stdout).toBe("");
    expect(existsSync("/tmp/kept-apart")).toBe(false);
  });

  testCwl("edits a file that the step may change", async () => {
    lab.write("in/old.txt", "old\n");
    const done = await runTool("edit", {
      script: "echo new >>old.txt",
      inputs: { file: { type: "File" } },
      outputs: { out: { type: "File", outputBinding: { glob: "old.txt" } } },
      requirements: {
        InitialWorkDirRequirement: { listing: [{ entry: "$(inputs.file)", writable: true }] },
      },
      job: { file: { class: "File", path: "in/old.txt" } },
    });
    mustSucceed(done);
    expect(readFileSync(`${done.out}/old.txt`, "utf8")).toBe("old\nnew\n");
    expect(readFileSync(`${lab.dir}/in/old.txt`, "utf8")).toBe("old\n");
  });

  testCwl("sees the exit status of a failing step, and of one it forgives", async () => {
    const failed = await runTool("failing", { script: "echo partial; exit 3" });
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain("exited with status: 3");
    const forgiven = await runTool("forgiven", {
      script: "echo done; exit 3",
      more: { successCodes: [3] },
    });
    expect(outputOf(forgiven)).toEqual(["done"]);
    const missing = await runTool("missing", {
      script: "",
      more: { baseCommand: "no-such-program" },
    });
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain("exited with status: 255");
    expect(missing.stderr).toContain('"no-such-program": executable file not found in $PATH');
  });

  testCwl("runs the steps of a workflow one after the other", async () => {
    const dockerImageId = `${lab.dir}/cache/quay.example.org_small_1.0.sif`;
    const step = (script: string): unknown => ({
      class: "CommandLineTool",
      requirements: { DockerRequirement: { dockerImageId } },
      baseCommand: ["sh", "-c", script, "sh"],
      inputs: { text: { type: "File", inputBinding: {} } },
      outputs: { out: { type: "stdout" } },
    });
    lab.write(
      "workflow.cwl",
      JSON.stringify({
        cwlVersion: "v1.2",
        class: "Workflow",
        inputs: { text: "File" },
        outputs: { out: { type: "File", outputSource: "second/out" } },
        steps: {
          first: { run: step('tr a-z A-Z <"$1"'), in: { text: "text" }, out: ["out"] },
          second: { run: step('wc -c <"$1"; cat "$1"'), in: { text: "first/out" }, out: ["out"] },
        },
      }),
    );
    lab.write("in/text.txt", "some text\n");
    const words = ["cwltool", "--singularity", "--parallel", "--outdir", "out/workflow"];
    const done = await lab.run([...words, "workflow.cwl", "--text", "in/text.txt"], {
      extraEnv: { CWL_SINGULARITY_CACHE: `${lab.dir}/cache` },
    });
    mustSucceed(done);
    const { out } = JSON.parse(done.stdout) as { out: { path: string } };
    expect(readFileSync(out.path, "utf8")).toBe("10\nSOME TEXT\n");
  });
});

function userId(): number {
  const asked = Bun.spawnSync([...asOrdinaryUser(), "id", "-u"]);
  return Number(asked.stdout.toString());
}
