import { beforeAll, describe, expect } from "bun:test";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { noSubIds, noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { type Finished, run, skiff, start } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";
import { writeDefinition } from "./base-definition.ts";

/*
 * What builds keep: steps are taken from the cache when nothing that they depend on has changed.
 */

const dir = scratch();
const lack = firstReason(noUserNamespaces(), noTool("mksquashfs"), noTool("busybox"));
/** Several builds each, on a machine that may be busy. */
const testBuild = (name: string, body: () => Promise<void>): void =>
  testUnless(lack)(name, body, 60_000);

beforeAll(() => {
  copyFileSync("/bin/busybox", `${dir}/busybox`);
});

/** A directory of its own, with a cache of its own, for one test. */
function place(name: string): {
  readonly path: string;
  /** Writes a definition whose base is a shell and busybox. */
  write(sections: string, file?: string): void;
  build(args?: readonly string[], env?: Record<string, string>): Promise<Finished>;
  /** What happened to each step of a build: `base scratch hit`. */
  steps(built: Finished): readonly string[];
} {
  const path = `${dir}/${name}`;
  mkdirSync(path, { recursive: true });
  const extraEnv = { SKIFF_CACHEDIR: `${path}/kept` };
  return {
    path,
    write(sections, file = "x.def") {
      writeDefinition(path, file, `%files\n    ${dir}/busybox /bin/busybox\n${sections}`);
    },
    async build(args = ["x.sif", "x.def"], env = {}) {
      await run(["chown", "-R", "--reference", dir, path], { as: "self" });
      return await skiff(["build", "--force", ...args], {
        cwd: path,
        extraEnv: { ...extraEnv, ...env },
      });
    },
    steps(built) {
      const lines = built.stderr.matchAll(/\] (.*): (hit|miss|run)(?:[:,] ?(.*))?$/gm);
      return Array.from(lines, ([, title = "", kind = "", why = ""]) =>
        kind === "hit" ? `${title} hit` : `${title} ${kind}: ${why}`,
      );
    },
  };
}

const POST = "%post\n    echo one > /one\n    # skiff: step second\n    echo two > /two\n";

describe("steps", () => {
  testBuild("a build of an unchanged definition carries nothing out", async () => {
    const at = place("same");
    at.write(`${POST}%test\n    [ -e /two ]\n`);
    const first = await at.build();
    expect(at.steps(first).every((step) => step.endsWith("not built before"))).toBe(true);
    const second = await at.build();
    expect(at.steps(second)).toEqual([
      "base scratch hit",
      "%files hit",
      "%post 1 of 2 hit",
      "%post 2 of 2 (second) hit",
      "image hit",
    ]);
    expect(second.stderr).not.toContain("+ echo");
    const listed = await skiff(["exec", "x.sif", "/bin/busybox", "cat", "/one", "/two"], {
      cwd: at.path,
    });
    expect(listed.stdout).toBe("one\ntwo\n");
  });

  testBuild("another %runscript packs only, another %post keeps what comes before it", async () => {
    const at = place("changed");
    at.write(`${POST}%runscript\n    echo a\n`);
    await at.build();
    at.write(`${POST}%runscript\n    echo b\n`);
    const runscript = await at.build();
    expect(at.steps(runscript).filter((step) => !step.endsWith("hit"))).toEqual([]);
    expect(runscript.stderr).toContain("Creating SIF file...");
    at.write(`${POST.replace("echo two", "echo 2")}%runscript\n    echo b\n`);
    expect(at.steps(await at.build())).toEqual([
      "base scratch hit",
      "%files hit",
      "%post 1 of 2 hit",
      "%post 2 of 2 (second) miss: text changed",
    ]);
  });

  testBuild(
    "parts of %post have the exported variables and the directory of those before",
    async () => {
      const at = place("carried");
      at.write(
        "%post\n    export KEPT='a b'\n    LOST=1\n    cd /tmp\n    # skiff: step\n    echo \"$KEPT$LOST $PWD\" > /seen\n",
      );
      const built = await at.build(["--sandbox", "root", "x.def"]);
      expect(built.code).toBe(0);
      expect(readFileSync(`${at.path}/root/seen`, "utf8")).toBe("a b /tmp\n");
      expect(existsSync(`${at.path}/root/.post.state`)).toBe(false);
    },
  );

  testBuild("content and mode of copied files count, their times do not", async () => {
    const at = place("files");
    writeFileSync(`${at.path}/data`, "a\n", { mode: 0o644 });
    at.write("%files\n    data /data\n");
    await at.build();
    await run(["touch", "-d", "2001-01-01", `${at.path}/data`], { as: "self" });
    expect(at.steps(await at.build()).filter((step) => !step.endsWith("hit"))).toEqual([]);
    writeFileSync(`${at.path}/data`, "b\n");
    expect(at.steps(await at.build()).filter((step) => !step.endsWith("hit"))).toEqual([
      "%files miss: file data to /data changed",
    ]);
    await run(["chmod", "755", `${at.path}/data`], { as: "self" });
    expect(at.steps(await at.build()).filter((step) => !step.endsWith("hit"))).toEqual([
      "%files miss: file data to /data changed",
    ]);
  });

  testBuild("%setup always runs; what follows depends on what it left", async () => {
    const at = place("setup");
    writeFileSync(`${at.path}/outside`, "a\n");
    at.write('%setup\n    cp outside "$APPTAINER_ROOTFS/inside"\n%post\n    : > /posted\n');
    await at.build();
    expect(at.steps(await at.build())).toEqual([
      "base scratch hit",
      "%setup run: it always runs",
      "%files hit",
      "%post hit",
      "image hit",
    ]);
    writeFileSync(`${at.path}/outside`, "b\n");
    expect(at.steps(await at.build())).toContain("%post miss: the step before it changed");
  });

  testBuild("a failed build keeps the steps that were finished", async () => {
    const at = place("failed");
    at.write(`${POST.replace("echo two", "false; echo two")}`);
    expect((await at.build()).code).toBe(255);
    at.write(POST);
    const built = await at.build();
    expect([built.code, at.steps(built)[2]]).toEqual([0, "%post 1 of 2 hit"]);
  });

  testBuild("an earlier stage is not built again for what is copied out of it", async () => {
    const at = place("stages");
    const stages = (text: string): void => {
      at.write("%files from one\n    /made /made\n");
      const second = readFileSync(`${at.path}/x.def`, "utf8");
      at.write(`%post\n    echo made > /made\n    echo ${text} > /other\n\n`);
      const first = readFileSync(`${at.path}/x.def`, "utf8").replace("\n", "\nStage: one\n");
      writeFileSync(`${at.path}/x.def`, first + second);
    };
    stages("a");
    expect((await at.build()).code).toBe(0);
    stages("b");
    const built = await at.build();
    // The copied file is the same, so the copy is.
    expect(at.steps(built).filter((step) => !step.endsWith("hit"))).toEqual([
      "%post miss: text changed",
    ]);
  });

  testBuild("--no-cache, and other names of the program, carry everything out", async () => {
    const at = place("none");
    at.write(POST);
    await at.build();
    expect((await at.build(["--no-cache", "x.sif", "x.def"])).stderr).toContain("+ echo one");
    symlinkSync(skiffPath, `${at.path}/apptainer`);
    const named = await run([`${at.path}/apptainer`, "build", "-F", "x.sif", "x.def"], {
      cwd: at.path,
      extraEnv: { SKIFF_CACHEDIR: `${at.path}/kept` },
    });
    expect(named.stderr).toContain("+ echo one");
  });

  testBuild("without overlays steps are whole trees", async () => {
    const at = place("trees");
    at.write(`${POST}    rm() { /bin/busybox rm "$@"; }\n    rm /one\n`);
    const env = { SKIFF_BUILD_LAYERS: "tree" };
    expect((await at.build(["--sandbox", "root", "x.def"], env)).stderr).toContain(
      "steps are kept as whole trees",
    );
    const again = await at.build(["--sandbox", "root", "x.def"], env);
    expect(at.steps(again).filter((step) => !step.endsWith("hit"))).toEqual([]);
    expect(readdirSync(`${at.path}/root`)).toContain("two");
    expect(readdirSync(`${at.path}/root`)).not.toContain("one");
  });
});

testBuild("builds of one definition at the same time share their work", async () => {
  const at = place("together");
  at.write(POST);
  const built = await Promise.all(
    ["a", "b", "c"].map((name) => at.build([`${name}.sif`, "x.def"])),
  );
  expect(built.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(built.filter(({ stderr }) => stderr.includes("+ echo one"))).toHaveLength(1);
  const bytes = ["a", "b", "c"].map((name) => readFileSync(`${at.path}/${name}.sif`));
  expect(bytes[1]?.equals(bytes[0] ?? Buffer.of())).toBe(true);
  expect(bytes[2]?.equals(bytes[0] ?? Buffer.of())).toBe(true);
});

testBuild("a build killed at any moment leaves a cache that the next one can use", async () => {
  const at = place("killed");
  const parts = Array.from({ length: 6 }, (_, i) => `    # skiff: step\n    echo ${i} > /f${i}\n`);
  at.write(`%post\n${parts.join("")}`);
  await run(["chown", "-R", "--reference", dir, at.path], { as: "self" });
  for (let round = 0; round < 8; round++) {
    const child = start([skiffPath, "build", "--force", "x.sif", "x.def"], {
      cwd: at.path,
      extraEnv: { SKIFF_CACHEDIR: `${at.path}/kept` },
    });
    await Bun.sleep(30 + Math.random() * 400);
    child.kill("SIGKILL");
    await child.exited;
  }
  const built = await at.build();
  expect(built.code).toBe(0);
  const seen = await skiff(["exec", "x.sif", "/bin/sh", "-c", "echo /f?"], { cwd: at.path });
  expect(seen.stdout).toBe("/f0 /f1 /f2 /f3 /f4 /f5\n");
  // What a script of a killed build still writes to goes with one of the next builds; a directory
  // that a build had only begun to make, an hour later.
  const folder = `${at.path}/kept/cache/skiff/build`;
  const left = (): readonly string[] =>
    readdirSync(folder).filter(
      (name) => name.startsWith("skiff-build-") && existsSync(`${folder}/${name}/lock`),
    );
  for (let more = 0; more < 5 && left().length > 0; more++) await at.build();
  expect(left()).toEqual([]);
});

testUnless(firstReason(lack, noSubIds()))(
  "cache list shows the steps, cache clean removes them whoever owns their files",
  async () => {
    const at = place("clean");
    at.write(
      "%post\n    /bin/busybox mkdir -m 700 /d\n    : > /d/f\n    /bin/busybox chown -R 5:7 /d\n",
    );
    expect((await at.build()).code).toBe(0);
    const options = { cwd: at.path, extraEnv: { SKIFF_CACHEDIR: `${at.path}/kept` } };
    const listed = await skiff(["cache", "list", "--json", "--type", "build"], options);
    const { entries } = JSON.parse(listed.stdout) as { entries: { reference: string }[] };
    expect(entries.map((entry) => entry.reference.split(" of ")[0])).toContain("%post");
    const cleaned = await skiff(["cache", "clean", "--force", "--type", "build"], options);
    expect(cleaned.stderr).toContain("are free again");
    const folder = `${at.path}/kept/cache/skiff/build`;
    expect([...readdirSync(`${folder}/steps`), ...readdirSync(`${folder}/images`)]).toEqual([]);
    expect(readdirSync(folder).filter((name) => name.startsWith("skiff-build-"))).toEqual([]);
  },
  60_000,
);
