import { beforeAll, expect } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { noTool } from "../support/host-lacks.ts";
import { run, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/*
 * Builds from directories and images, in both forms, by an ordinary user.
 */

const dir = scratch();
const root = `${dir}/root`;
const testPack = testUnless(firstReason(noTool("mksquashfs"), noTool("unsquashfs")));

async function build(...words: readonly string[]): Promise<void> {
  const built = await skiff(["build", "--force", ...words], { cwd: dir });
  expect(built.stderr).toContain("Build complete");
  expect(built.code).toBe(0);
}

beforeAll(async () => {
  mkdirSync(`${root}/etc`, { recursive: true });
  writeFileSync(`${root}/etc/own`, "own\n", { mode: 0o640 });
  writeFileSync(`${root}/etc/hosts`, "1.2.3.4 mine\n", { mode: 0o444 });
  symlinkSync("own", `${root}/etc/link`);
  await run(["chown", "-R", "--reference", dir, root], { as: "self" });
});

testPack(
  "a directory is packed as it is, with the skeleton that it lacks, and stays unchanged",
  async () => {
    const before = await run(["find", root, "-printf", "%p %M %s %l\n"]);
    await build("dir.sif", "root");
    expect((await run(["find", root, "-printf", "%p %M %s %l\n"])).stdout).toBe(before.stdout);
    expect(statSync(`${dir}/dir.sif`).mode & 0o777).toBe(0o755);
    const list = await skiff(["sif", "list", "dir.sif"], { cwd: dir });
    expect(list.stdout).toMatch(/Def\.FILE[\s\S]*JSON\.Generic[\s\S]*FS \(Squashfs\/\*System\//);
    const inspected = await skiff(["inspect", "--deffile", "dir.sif"], { cwd: dir });
    expect(inspected.stdout).toContain("bootstrap: localimage\nfrom: root");
  },
);

testPack("a SIF comes back as the directory it was made of", async () => {
  await build("back.sif", "root");
  await build("--sandbox", "back", "back.sif");
  expect(readFileSync(`${dir}/back/etc/own`, "utf8")).toBe("own\n");
  expect(statSync(`${dir}/back/etc/own`).mode & 0o777).toBe(0o640);
  expect(readFileSync(`${dir}/back/etc/hosts`, "utf8")).toBe("1.2.3.4 mine\n");
  expect(readFileSync(`${dir}/back/.singularity.d/bootstrap_history/Apptainer0`, "utf8")).toBe(
    "bootstrap: localimage\nfrom: root\n\n",
  );
  expect(existsSync(`${dir}/back/.singularity.d/env/99-base.sh`)).toBe(true);
});

testPack("a sandbox replaces a sandbox and nothing is left beside it", async () => {
  mkdirSync(`${dir}/beside`);
  await run(["chown", "--reference", dir, `${dir}/beside`], { as: "self" });
  await build("--sandbox", "beside/box", "root");
  await build("--sandbox", "beside/box", "root");
  expect((await run(["ls", "-A", `${dir}/beside`])).stdout).toBe("box\n");
});

testPack("a bare SquashFS and one behind a launch line are packed again", async () => {
  const squashed = await run([
    "mksquashfs",
    root,
    `${dir}/bare.squashfs`,
    "-quiet",
    "-no-progress",
  ]);
  expect(squashed.code).toBe(0);
  const line = Buffer.from("#!/usr/bin/env run-singularity\n");
  writeFileSync(`${dir}/old.simg`, Buffer.concat([line, readFileSync(`${dir}/bare.squashfs`)]));
  for (const source of ["bare.squashfs", "old.simg"]) {
    await build("--sandbox", "unpacked", source);
    expect(readFileSync(`${dir}/unpacked/etc/own`, "utf8")).toBe("own\n");
    await build("again.sif", source);
    expect((await skiff(["inspect", "again.sif"], { cwd: dir })).stdout).toContain(
      `deffile.from: ${source}`,
    );
  }
});

testUnless(firstReason(noTool("mke2fs"), noTool("debugfs"), noTool("mksquashfs")))(
  "an ext3 image is packed again",
  async () => {
    await run(["mke2fs", "-q", "-t", "ext3", "-d", root, `${dir}/root.ext3`, "8M"], {
      extraEnv: { PATH: "/usr/sbin:/sbin:/usr/bin:/bin" },
    });
    await build("--sandbox", "from-ext3", "root.ext3");
    expect(readFileSync(`${dir}/from-ext3/etc/own`, "utf8")).toBe("own\n");
  },
);

testPack("SOURCE_DATE_EPOCH makes two builds the same bytes", async () => {
  const options = { cwd: dir, extraEnv: { SOURCE_DATE_EPOCH: "1700000000" } };
  for (const name of ["same1.sif", "same2.sif"]) {
    expect((await skiff(["build", name, "root"], options)).code).toBe(0);
    await Bun.sleep(1100);
  }
  expect(readFileSync(`${dir}/same1.sif`).equals(readFileSync(`${dir}/same2.sif`))).toBe(true);
});

testPack("--mksquashfs-args choose another compressor", async () => {
  await build("--mksquashfs-args", "-comp gzip", "gzip.sif", "root");
  const stat = await run([
    "unsquashfs",
    "-s",
    "-o",
    partitionOffset("gzip.sif"),
    `${dir}/gzip.sif`,
  ]);
  expect(stat.stdout).toContain("Compression gzip");
});

/** Offset of the SquashFS in a SIF of ours: the first page that begins with its magic. */
function partitionOffset(name: string): string {
  const bytes = readFileSync(`${dir}/${name}`);
  for (let at = 32768; ; at += 4096)
    if (bytes.toString("latin1", at, at + 4) === "hsqs") return String(at);
}

testPack("a file that cannot be read ends the build instead of being packed empty", async () => {
  const secret = `${root}/etc/secret`;
  writeFileSync(secret, "x");
  await run(["chmod", "000", secret], { as: "self" });
  const built = await skiff(["build", "secret.sif", "root"], { cwd: dir });
  rmSync(secret);
  expect(built.code).toBe(255);
  expect(built.stderr).toContain("while creating squashfs");
  expect(existsSync(`${dir}/secret.sif`)).toBe(false);
});

testPack("--data wraps a SquashFS file, byte for byte, as the only data partition", async () => {
  await run(["mksquashfs", root, `${dir}/data.squashfs`, "-noappend", "-quiet", "-no-progress"]);
  await build("--data", "data.sif", "data.squashfs");
  const list = await skiff(["sif", "list", "data.sif"], { cwd: dir });
  expect(list.stdout).toMatch(/3 .*FS \(Squashfs\/Data\/[a-z0-9]+\)\n$/);
  const dumped = await run(["sh", "-c", `"${skiffPath}" sif dump 3 data.sif >dumped`], {
    cwd: dir,
  });
  expect(dumped.code).toBe(0);
  const packed = readFileSync(`${dir}/data.squashfs`);
  const data = readFileSync(`${dir}/dumped`);
  expect(packed.subarray(0, data.length).equals(data)).toBe(true);
  expect((await run(["unsquashfs", "-ls", `${dir}/dumped`])).stdout).toContain("/etc/own");
  const labels = await skiff(["inspect", "--labels", "data.sif"], { cwd: dir });
  expect(labels.stdout).toContain("deffile.from: data.squashfs");
  for (const source of ["root", "data.sif"]) {
    const refused = await skiff(["build", "--data", "no.sif", source], { cwd: dir });
    expect(refused.code).toBe(255);
    expect(refused.stderr).toContain("--data takes a SquashFS file");
    expect(existsSync(`${dir}/no.sif`)).toBe(false);
  }
});

testPack(
  "--verbose shows what mksquashfs says, on standard output; without it nothing is there",
  async () => {
    const words = ["build", "--force", "--mksquashfs-args", "-comp xz", "verbose.sif", "root"];
    const quiet = await skiff(words, { cwd: dir });
    expect(quiet).toMatchObject({ code: 0, stdout: "" });
    const verbose = await skiff(["--verbose", ...words], { cwd: dir });
    expect(verbose.stdout).toContain("xz compressed");
  },
);

testPack("a device or pipe is written to and stays what it is", async () => {
  await build("null.sif", "root");
  const done = await run(
    [
      "sh",
      "-c",
      'mkfifo pipe; cat pipe >piped & "$0" build --force pipe root && wait; "$0" build --force /dev/null root',
      skiffPath,
    ],
    { cwd: dir },
  );
  expect(done.code).toBe(0);
  expect(readFileSync(`${dir}/piped`).equals(readFileSync(`${dir}/null.sif`))).toBe(true);
  expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
  expect(statSync(`${dir}/pipe`).isFIFO()).toBe(true);
});
