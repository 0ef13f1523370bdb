import { beforeAll, describe, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { noTool } from "../support/host-lacks.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { callerLab, mustSucceed } from "./caller-lab.ts";
import { buildSmallImage, noSmallImage } from "./small-image.ts";

const reason = firstReason(noTool("toil-cwl-runner"), noSmallImage());
const lab = callerLab();

beforeAll(async () => {
  if (reason !== undefined) return;
  lab.makeDir("cache");
  await buildSmallImage(lab, "cache/small_1.0.sif");
});

describe("toil", () => {
  testUnless(reason)("runs a CWL tool by its worker processes", async () => {
    const tool = {
      cwlVersion: "v1.2",
      class: "CommandLineTool",
      requirements: { DockerRequirement: { dockerPull: "small_1.0" } },
      baseCommand: ["sh", "-c", 'cat "$1"; readlink -f /bin/sh', "sh"],
      inputs: { text: { type: "File", inputBinding: {} } },
      outputs: { out: { type: "stdout" } },
      stdout: "out.txt",
    };
    lab.write("tool.cwl", JSON.stringify(tool));
    lab.write("text.txt", "some text\n");
    const words = ["--singularity", "--outdir", "out", "tool.cwl", "--text", "text.txt"];
    const done = await lab.run(["toil-cwl-runner", ...words], {
      extraEnv: { CWL_SINGULARITY_CACHE: `${lab.dir}/cache` },
    });
    mustSucceed(done);
    expect(readFileSync(`${lab.dir}/out/out.txt`, "utf8")).toBe("some text\n/bin/busybox\n");
  });
});
