import { beforeAll, describe, expect } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { giveTo, IMAGE_TREE, makeTree } from "../launch/image-tree.ts";
import { launchLab } from "../launch/launch-lab.ts";
import { noFuse, noTool } from "../support/host-lacks.ts";
import { isRoot, ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, run, skiff, start } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/** `export --self-run`: a program that is skiff and an image in one. */
const RUNSCRIPT = '#!/bin/sh\nfor word in "$@"; do echo "[$word]"; done\nexit 3\n';
const { dir, lack: noLaunch } = launchLab((lab) => {
  makeTree(`${lab}/img`, { "/.singularity.d/runscript": { program: RUNSCRIPT } });
});
const lack = firstReason(noLaunch, noFuse(), noTool("squashfuse_ll"));

beforeAll(async () => {
  if (lack !== undefined) return;
  await skiff(["build", "img.sif", "img"], { cwd: dir });
  await run(
    ["sh", "-c", "{ printf '#!/usr/bin/env run-singularity\\n'; cat img.sqfs; } > old.img"],
    { cwd: dir },
  );
  for (const name of ["img.sif", "img.sqfs", "old.img"]) {
    const made = await skiff(["export", "--self-run", name, `${name}.run`], { cwd: dir });
    if (made.code !== 0) throw new Error(made.stderr);
  }
});

function call(words: readonly string[], env: Record<string, string> = {}): Promise<Finished> {
  return run([`${dir}/img.sif.run`, ...words], { cwd: dir, extraEnv: env });
}

describe("export --self-run", () => {
  for (const name of ["img.sif", "img.sqfs", "old.img"]) {
    testUnless(lack)(`${name} runs its runscript with all words`, async () => {
      // More than twice: the third time it may be started as a known launch.
      for (let i = 0; i < 4; i++) {
        const words = ["exec", "--help", "-B", "a b", "--"];
        const done = await run([`${dir}/${name}.run`, ...words], { cwd: dir });
        expect([done.code, done.stdout]).toEqual([3, words.map((word) => `[${word}]\n`).join("")]);
      }
    });
  }

  testUnless(lack)("a copy under another name is not mistaken for it", async () => {
    makeTree(`${dir}/other`, {
      ...IMAGE_TREE,
      "/.singularity.d/runscript": { program: "#!/bin/sh\necho other\n" },
    });
    const user = ordinaryUser();
    if (isRoot && user !== undefined) giveTo(`${dir}/other`, user);
    await run(["mksquashfs", "other", "other.sqfs", "-quiet", "-no-progress"], { cwd: dir });
    await skiff(["export", "--self-run", "other.sqfs", "other.run"], { cwd: dir });
    const shell =
      "for i in 1 2 3 4; do for t in img.sqfs other; do (exec -a same $0/$t.run x); done; done";
    const done = await run(["bash", "-c", shell, dir], { cwd: dir });
    expect(done.stdout).toBe("[x]\nother\n".repeat(4));
  });

  testUnless(lack)("SKIFF_SELF_RUN chooses another use, variables are flags", async () => {
    writeFileSync(`${dir}/f`, "bound\n");
    const env = { SKIFF_SELF_RUN: "exec", SKIFF_BIND: `${dir}/f:/opt/f` };
    const done = await call(
      ["sh", "-c", "cat /opt/f; echo $SKIFF_NAME $APPTAINER_NAME; exit 7"],
      env,
    );
    expect([done.code, done.stdout]).toEqual([7, expect.stringContaining("bound\n")]);
    expect(done.stdout).toContain("img.sif.run");
    expect((await call(["--version"], { SKIFF_SELF_RUN: "skiff" })).stdout).toMatch(
      /^skiff version/,
    );
    expect((await call(["back.sif"], { SKIFF_SELF_RUN: "extract" })).code).toBe(0);
    expect((await run(["cmp", "back.sif", "img.sif"], { cwd: dir })).code).toBe(0);
    const wrong = await call([], { SKIFF_SELF_RUN: "fly" });
    expect([wrong.code, wrong.stderr]).toEqual([
      255,
      expect.stringContaining("SKIFF_SELF_RUN=fly"),
    ]);
  });

  testUnless(lack)("is an image for every other command", async () => {
    const at = { cwd: dir };
    expect((await skiff(["exec", "img.sif.run", "echo", "in"], at)).stdout).toBe("in\n");
    expect((await skiff(["inspect", "-r", "img.sif.run"], at)).stdout).toContain("for word in");
    await skiff(["export", "--self-run", "img.sif.run", "again"], at);
    expect((await run(["cmp", "img.sif.run", "again"], at)).code).toBe(0);
  });

  testUnless(lack)("carries the image's file server for machines without one", async () => {
    writeFileSync(`${dir}/bare.conf`, "binary path = /nowhere\n");
    const home = mkdtempSync(`${dir}/home.`);
    const user = ordinaryUser();
    if (isRoot && user !== undefined) giveTo(home, user);
    const env = { SKIFF_CONFIG_FILE: `${dir}/bare.conf`, HOME: home };
    for (let i = 0; i < 2; i++) {
      const done = await call(["x"], env);
      expect([done.code, done.stdout], done.stderr).toEqual([3, "[x]\n"]);
    }
    const left = await run(["find", home, "-name", "*.part"], { as: "self" });
    expect(left.stdout).toBe("");
    expect(existsSync(`${home}/.skiff/carried`)).toBe(true);
    // Without a home that can be written to it goes elsewhere.
    const homeless = await call(["x"], { ...env, HOME: "/nowhere" });
    expect([homeless.code, homeless.stdout], homeless.stderr).toEqual([3, "[x]\n"]);
  });

  const refusals: readonly (readonly [readonly string[], string])[] = [
    [["--self-run", "img.sif", "img.sqfs.run"], "the file exists"],
    [["--self-run", "img", "x"], "it is a directory"],
    [["--self-run", "f.txt", "x"], "image format not recognized"],
    [["--self-run", "nosuch", "x"], "nosuch"],
    [["--self-run", "img.sif", "no/x"], "no such file or directory"],
    [["--extract", "img.sif", "x"], "it is no self-running image"],
    [["img.sif", "x"], "say in which form"],
  ];
  for (const [words, says] of refusals) {
    testUnless(lack)(`refuses ${words.join(" ")}`, async () => {
      writeFileSync(`${dir}/f.txt`, "text");
      const done = await skiff(["export", ...words], { cwd: dir });
      expect(done.code).not.toBe(0);
      expect(done.stderr).toContain(says);
      expect(existsSync(`${dir}/x`)).toBe(false);
    });
  }

  testUnless(lack)("killed at any moment it leaves nothing, --force replaces", async () => {
    await run(["mkdir", "-p", "kill"], { cwd: dir });
    for (let i = 0; i < 8; i++) {
      const words = ["export", "--self-run", "img.sif", "kill/x"];
      const child = start([skiffPath, ...words], { cwd: dir });
      await Bun.sleep(Math.random() * 80);
      child.kill("SIGKILL");
      await child.exited;
      const left = readdirSync(`${dir}/kill`);
      if (left.length > 0) {
        expect(left).toEqual(["x"]);
        expect(statSync(`${dir}/kill/x`).size).toBe(statSync(`${dir}/img.sif.run`).size);
        await run(["rm", "kill/x"], { cwd: dir });
      }
    }
    writeFileSync(`${dir}/old`, "old");
    await run(["chmod", "666", "old"], { as: "self", cwd: dir });
    const done = await skiff(["export", "--force", "--self-run", "img.sif", "old"], { cwd: dir });
    expect(done.code, done.stderr).toBe(0);
    expect((await run(["cmp", "old", "img.sif.run"], { cwd: dir })).code).toBe(0);
  });
});
