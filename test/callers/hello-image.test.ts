import { beforeAll, describe, expect } from "bun:test";
import { statSync } from "node:fs";
import { noTool } from "../support/host-lacks.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { callerLab } from "./caller-lab.ts";
import { writeHelloImage } from "./hello-image.ts";
import { noSmallImage } from "./small-image.ts";

const reason = firstReason(noSmallImage(), noTool("busybox"));
const lab = callerLab();
const testHello = testUnless(reason);

beforeAll(async () => {
  if (reason === undefined) await writeHelloImage(lab, "hello.simg");
});

describe("a 2.x image of a few kB without a shell", () => {
  testHello("starts with a line of 31 bytes, so that its file system is not aligned", () => {
    expect(statSync(`${lab.dir}/hello.simg`).size).toBe(31 + 4096);
  });

  testHello(
    "tells cwltool that user namespaces work, by the words for a missing program",
    async () => {
      const words = ["singularity", "exec", "--userns", "hello.simg", "true"];
      const { code, stdout, stderr } = await lab.run(words);
      expect({ code, stdout }).toEqual({ code: 255, stdout: "" });
      expect(stderr).toContain("executable file not found in");
    },
  );

  testHello("has its environment read where there is nothing to run its scripts", async () => {
    const bind = `${Bun.which("busybox")}:/env`;
    const words = ["singularity", "exec", "--userns", "-B", bind, "hello.simg", "/env"];
    const { code, stdout } = await lab.run(words);
    expect(code).toBe(0);
    expect(stdout.split("\n")).toContain("HELLO=world");
  });

  testHello("is a program by its first line", async () => {
    const { code, stdout, stderr } = await lab.run(["./hello.simg"], {
      extraEnv: { SINGULARITY_BIND: `${Bun.which("busybox")}:/env` },
    });
    // The run script names /bin/sh as its interpreter, and there is none.
    expect({ code, stdout }).toEqual({ code: 255, stdout: "" });
    expect(stderr).toMatch(/^FATAL: {3}.*runscript/m);
  });
});
