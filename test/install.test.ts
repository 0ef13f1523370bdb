import { describe, expect, test } from "bun:test";
import { existsSync, lstatSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { type Finished, run } from "./support/run.ts";
import { scratch } from "./support/scratch.ts";
import { treeRoot } from "./support/tree.ts";

const base = scratch("self");

/** Runs the install script into a directory of its own below the scratch directory. */
function install(name: string, prefix: string, ...words: string[]): Promise<Finished> {
  const extraEnv = { DESTDIR: `${base}/${name}`, PREFIX: prefix };
  return run(["sh", `${treeRoot}/scripts/install.sh`, ...words], { as: "self", extraEnv });
}

const files = (name: string, prefix: string): string[] =>
  readFileSync(`${base}/${name}${prefix}/share/skiff/installed-files`, "utf8").trim().split("\n");

describe("scripts/install.sh", () => {
  test("puts binary, helpers, completions, man pages and configuration below the prefix", async () => {
    const done = await install("plain", "/usr/local");
    expect(done.code).toBe(0);
    const list = files("plain", "/usr/local");
    expect(list.filter((path) => !existsSync(`${base}/plain${path}`))).toEqual([]);
    for (const path of [
      ...["bin/skiff", "bin/run-singularity", "libexec/skiff/starter", "libexec/skiff/bash"],
      ...["share/man/man1/skiff.1", "share/man/man1/skiff-exec.1", "etc/skiff/skiff.conf"],
      ...["share/bash-completion/completions/skiff", "share/zsh/site-functions/_skiff"],
    ]) {
      expect(list).toContain(`/usr/local/${path}`);
    }
    expect(list).not.toContain("/usr/local/bin/apptainer");
    const ran = await run([`${base}/plain/usr/local/bin/skiff`, "--version"], { as: "self" });
    expect(ran.stdout).toMatch(/^skiff version \d/);
  });

  test("--links adds the peers' names, and the next installation without it removes them", async () => {
    await install("links", "/opt/skiff", "--links");
    for (const name of ["singularity", "apptainer", "run-singularity"]) {
      expect(readlinkSync(`${base}/links/opt/skiff/bin/${name}`)).toBe("skiff");
    }
    await install("links", "/opt/skiff");
    expect(existsSync(`${base}/links/opt/skiff/bin/apptainer`)).toBe(false);
    expect(lstatSync(`${base}/links/opt/skiff/bin/run-singularity`).isSymbolicLink()).toBe(true);
  });

  test("keeps a configuration that is there, at installation and removal", async () => {
    await install("conf", "/usr");
    const conf = `${base}/conf/etc/skiff/skiff.conf`;
    writeFileSync(conf, "mount home = no\n");
    expect((await install("conf", "/usr")).stderr).toContain("Kept: /etc/skiff/skiff.conf");
    expect((await install("conf", "/usr", "--uninstall")).code).toBe(0);
    expect(readFileSync(conf, "utf8")).toBe("mount home = no\n");
    expect(existsSync(`${base}/conf/usr/bin/skiff`)).toBe(false);
  });

  test("writes no configuration over a peer's that is in force", async () => {
    const done = await run(["mkdir", "-p", `${base}/peer/etc/apptainer`], { as: "self" });
    expect(done.code).toBe(0);
    writeFileSync(`${base}/peer/etc/apptainer/apptainer.conf`, "mount tmp = no\n");
    const installed = await install("peer", "/usr");
    expect(installed.stderr).toContain("/etc/apptainer/apptainer.conf is in force");
    expect(existsSync(`${base}/peer/etc/skiff/skiff.conf`)).toBe(false);
  });

  test("--uninstall removes every file it had put there", async () => {
    await install("gone", "/usr/local", "--links");
    const list = files("gone", "/usr/local");
    expect((await install("gone", "/usr/local", "--uninstall")).code).toBe(0);
    expect(list.filter((path) => existsSync(`${base}/gone${path}`))).toEqual([]);
    expect((await install("gone", "/usr/local", "--uninstall")).code).toBe(1);
  });

  test("refuses a relative prefix and unknown words", async () => {
    expect((await install("bad", "usr")).stderr).toContain("absolute");
    expect((await install("bad", "/usr", "--link")).stderr).toContain("Unknown word: --link");
  });
});
