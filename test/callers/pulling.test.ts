import { afterAll, beforeAll, describe, expect } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type LocalRegistry, noRegistry, startRegistry } from "../registry/local-registry.ts";
import { packImage, upload } from "../registry/test-image.ts";
import { noTool } from "../support/host-lacks.ts";
import { start } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { callerLab, mustSucceed } from "./caller-lab.ts";
import { noSmallImage } from "./small-image.ts";

const reason = firstReason(noRegistry(), noSmallImage());
const lab = callerLab();
const testPull = testUnless(reason);
let registry: LocalRegistry | undefined;

/** An address in the registry, with the caches of this test. */
const address = (): string => `docker://${registry?.host}/small:1.0`;
const caches = (): Record<string, string> => ({
  APPTAINER_CACHEDIR: `${lab.dir}/cache`,
  SINGULARITY_NOHTTPS: "1",
});

beforeAll(async () => {
  if (reason !== undefined) return;
  lab.makeDir("registry");
  registry = await startRegistry({ folder: `${lab.dir}/registry` });
  const busybox = readFileSync(Bun.which("busybox") ?? "");
  const bash = readFileSync(Bun.which("bash-static") ?? "");
  const links = ["sh", "cat", "echo", "true", "sed", "wc"];
  await upload(
    registry.url,
    "small",
    "1.0",
    packImage({
      layers: [
        [
          { name: "bin/" },
          { name: "bin/busybox", content: busybox, mode: 0o755 },
          { name: "bin/bash", content: bash, mode: 0o755 },
          ...links.map((name) => ({ name: `bin/${name}`, link: "busybox" })),
          ...["etc/", "tmp/", "usr/", "var/", "var/tmp/"].map((name) => ({ name })),
        ],
        [{ name: "etc/layer", content: "second\n" }],
      ],
      config: { Env: ["PATH=/bin", "LAYER=set"], Cmd: ["sh"] },
    }),
  );
}, 60_000);

afterAll(async () => {
  await registry?.stop();
});

describe("images that callers pull", () => {
  testPull("Nextflow: under another name in its cache, nothing on standard output", async () => {
    lab.makeDir("nextflow");
    for (const engine of ["singularity", "apptainer"]) {
      const name = `small-1.0-${engine}.img.pulling.1700000000000`;
      const done = await lab.run([engine, "pull", "--no-https", "--name", name, address()], {
        cwd: `${lab.dir}/nextflow`,
        extraEnv: { APPTAINER_CACHEDIR: `${lab.dir}/cache` },
      });
      mustSucceed(done);
      expect(done.stdout).toBe("");
      const ran = await lab.run([engine, "exec", `nextflow/${name}`, "cat", "/etc/layer"]);
      expect(ran.stdout).toBe("second\n");
    }
  });

  testPull("Nextflow: a pull that is killed leaves no file that looks whole", async () => {
    lab.makeDir("killed");
    for (const delay of [0, 20, 60, 120]) {
      const words = ["pull", "--disable-cache", "--name", "killed/image.img", address()];
      const child = start([`${lab.bin}/singularity`, ...words], {
        cwd: lab.dir,
        extraEnv: caches(),
      });
      await Bun.sleep(delay);
      child.kill("SIGKILL");
      const isDone = (await child.exited) === 0;
      const isThere = existsSync(`${lab.dir}/killed/image.img`);
      // Killed between giving the file its name and the end: then it is there, and whole.
      expect(isThere || !isDone).toBe(true);
      if (isThere)
        mustSucceed(
          await lab.run(["singularity", "exec", "killed/image.img", "cat", "/etc/layer"]),
        );
      await lab.run(["rm", "-f", "killed/image.img"]);
    }
  });

  testPull("Snakemake: by the digest of the address in its own directory", async () => {
    lab.makeDir("snake/.snakemake/singularity");
    const done = await lab.run(["apptainer", "pull", "--name", "0123abcd.simg", address()], {
      cwd: `${lab.dir}/snake/.snakemake/singularity`,
      extraEnv: caches(),
    });
    mustSucceed(done);
    expect(readdirSync(`${lab.dir}/snake/.snakemake/singularity`)).toEqual(["0123abcd.simg"]);
  });

  const noCaller = (tool: string): string | undefined => firstReason(reason, noTool(tool));

  testUnless(noCaller("snakemake"))("Snakemake itself: a container by its address", async () => {
    lab.makeDir("workflow");
    lab.write(
      "workflow/Snakefile",
      `container: "${address()}"\nrule all:\n    output: "out.txt"\n    shell: "cat /etc/layer >{output}; echo $LAYER >>{output}"\n`,
    );
    const words = ["snakemake", "--cores", "1", "--use-singularity"];
    const done = await lab.run(words, { cwd: `${lab.dir}/workflow`, extraEnv: caches() });
    mustSucceed(done);
    expect(done.stderr).toContain("Pulling singularity image");
    expect(readFileSync(`${lab.dir}/workflow/out.txt`, "utf8")).toBe("second\nset\n");
  });

  testUnless(noCaller("cwltool"))("cwltool itself: into its cache, once", async () => {
    lab.makeDir("cwl-images");
    const tool = {
      cwlVersion: "v1.2",
      class: "CommandLineTool",
      requirements: { DockerRequirement: { dockerPull: `${registry?.host}/small:1.0` } },
      baseCommand: ["cat", "/etc/layer"],
      inputs: {},
      outputs: { out: { type: "stdout" } },
      stdout: "out.txt",
    };
    lab.write("tool.cwl", JSON.stringify(tool));
    for (const isFirst of [true, false]) {
      const done = await lab.run(["cwltool", "--singularity", "--outdir", "out", "tool.cwl"], {
        extraEnv: { ...caches(), CWL_SINGULARITY_CACHE: `${lab.dir}/cwl-images` },
      });
      mustSucceed(done);
      expect(done.stderr.includes("'pull', '--force', '--name'")).toBe(isFirst);
      expect(readFileSync(`${lab.dir}/out/out.txt`, "utf8")).toBe("second\n");
    }
  });

  testPull("the end of a pull that fails is 255 and one line", async () => {
    const missing = address().replace("small", "missing");
    const words = ["singularity", "pull", "--name", "missing.sif", missing];
    const done = await lab.run(words, { extraEnv: caches() });
    expect({ code: done.code, stdout: done.stdout }).toEqual({ code: 255, stdout: "" });
    expect(done.stderr).toMatch(/^FATAL: {3}.*missing/m);
    expect(existsSync(`${lab.dir}/missing.sif`)).toBe(false);
  });
});
