import { describe, expect } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { type Finished, run, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { writeDefinition } from "./base-definition.ts";

/*
 * The same inputs give the same bytes, and what an image is made of can be asked of it.
 */

const dir = scratch();
const lack = firstReason(noUserNamespaces(), noTool("mksquashfs"), noTool("busybox"));
/** Several builds each, on a machine that may be busy. */
const testBuild = (name: string, body: () => Promise<void>): void =>
  testUnless(lack)(name, body, 60_000);

async function build(args: readonly string[], cache = "kept"): Promise<Finished> {
  copyFileSync("/bin/busybox", `${dir}/busybox`);
  await run(["chown", "-R", "--reference", dir, dir], { as: "self" });
  return await skiff(["build", "--force", ...args], {
    cwd: dir,
    extraEnv: { SKIFF_CACHEDIR: `${dir}/${cache}` },
  });
}

function write(name: string, sections: string): void {
  writeDefinition(dir, name, `%files\n    ${dir}/busybox /bin/busybox\n${sections}`);
}

const SECTIONS = `%post
    /bin/busybox mkdir -p /var/log/apt /var/cache/ldconfig
    /bin/busybox date '+%Y-%m-%d %H:%M:%S install x' > /var/log/dpkg.log
    /bin/busybox date '+Start-Date: %Y-%m-%d  %H:%M:%S' > /var/log/apt/history.log
    /bin/busybox date > /var/cache/ldconfig/aux-cache
    : > /made
    # skiff: step
    /bin/busybox stat -c %y /made > /seen
%labels
    A b
`;

describe("bytes", () => {
  testBuild("do not depend on the moment, the cache or the name of the target", async () => {
    write("same.def", SECTIONS);
    expect((await build(["one.sif", "same.def"], "first")).code).toBe(0);
    await Bun.sleep(1100);
    expect((await build(["two.sif", "same.def"], "second")).code).toBe(0);
    expect((await build(["--no-cache", "three.sif", "same.def"])).code).toBe(0);
    const bytes = ["one", "two", "three"].map((name) => readFileSync(`${dir}/${name}.sif`));
    expect(bytes[1]?.equals(bytes[0] ?? Buffer.of())).toBe(true);
    expect(bytes[2]?.equals(bytes[0] ?? Buffer.of())).toBe(true);
  });

  testBuild("the end of the build tells the digest", async () => {
    write("digest.def", "");
    const built = await build(["digest.sif", "digest.def"]);
    const digest = new Bun.CryptoHasher("sha256").update(readFileSync(`${dir}/digest.sif`));
    expect(built.stderr).toContain(`sha256:${digest.digest("hex")}`);
  });

  testBuild("--source-date-epoch is the latest time", async () => {
    write("epoch.def", "%post\n    : > /made\n");
    const built = await build(["--source-date-epoch", "86400", "--sandbox", "epoch", "epoch.def"]);
    expect(built.code).toBe(0);
    expect(statSync(`${dir}/epoch/made`).mtimeMs).toBe(86_400_000);
    const labels = readFileSync(`${dir}/epoch/.singularity.d/labels.json`, "utf8");
    expect(labels).toContain("Friday_2_January_1970_0:0:0_UTC");
    const wrong = await build(["--source-date-epoch", "noon", "epoch.sif", "epoch.def"]);
    expect(wrong.stderr).toContain('Cannot use --source-date-epoch "noon"');
  });

  testBuild("a step that was kept for another time is not taken", async () => {
    write("times.def", "%post\n    : > /made\n");
    const cold = await build(["cold.sif", "times.def"], "times-1");
    expect(cold.code).toBe(0);
    await build(["--source-date-epoch", "86400", "other.sif", "times.def"], "times-2");
    expect((await build(["after.sif", "times.def"], "times-2")).code).toBe(0);
    expect(readFileSync(`${dir}/after.sif`).equals(readFileSync(`${dir}/cold.sif`))).toBe(true);
  });

  testBuild("compiled Python files keep to the time of their source", async () => {
    const post = `%post
    : > /m.py
    /bin/busybox printf '\\313\\r\\r\\n\\0\\0\\0\\0\\377\\377\\377\\176\\0\\0\\0\\0rest' > /m.pyc
`;
    write("python.def", post);
    expect((await build(["--sandbox", "python", "python.def"])).code).toBe(0);
    const bytes = readFileSync(`${dir}/python/m.pyc`);
    expect(bytes.readUInt32LE(8)).toBe(statSync(`${dir}/python/m.py`).mtimeMs / 1000);
    expect(bytes.toString("latin1", 16)).toBe("rest");
  });
});

describe("--verify", () => {
  testBuild("of an image that its definition makes again says so", async () => {
    mkdirSync(`${dir}/data`, { recursive: true });
    writeFileSync(`${dir}/data/file`, "a\n");
    write("verify.def", `%files\n    data /data\n${SECTIONS}%test\n    echo tested\n`);
    expect((await build(["verify.sif", "verify.def"])).code).toBe(0);
    const same = await skiff(["build", "--verify", "verify.sif"], { cwd: dir });
    expect([same.code, same.stdout]).toEqual([0, ""]);
    expect(same.stderr).toContain("verify.sif is what its definition makes");

    writeFileSync(`${dir}/data/file`, "b\n");
    writeFileSync(`${dir}/data/more`, "");
    const other = await skiff(["build", "--verify", "verify.sif"], { cwd: dir });
    expect([other.code, other.stdout]).toEqual([
      1,
      "/data/file: content\n/data/more: only built now\n",
    ]);
    expect(other.stderr).toContain("Input: %files: file data to /data changed");
  });

  testBuild(
    "of an image of a Dockerfile knows its arguments and takes files from the context",
    async () => {
      mkdirSync(`${dir}/docker`, { recursive: true });
      writeFileSync(`${dir}/docker/data`, "a\n");
      writeDefinition(`${dir}/docker`, "unused.def", "");
      writeFileSync(
        `${dir}/docker/Dockerfile`,
        "FROM scratch AS first\nARG WHO=x\nCOPY static-shell /bin/sh\nCOPY data /data\nRUN echo $WHO > /who\nFROM first\nRUN exit 1\n",
      );
      const words = [
        "--build-arg",
        "WHO=me",
        "--target",
        "first",
        "docker.sif",
        "docker/Dockerfile",
      ];
      const made = await build(words);
      expect(made.code).toBe(0);
      const same = await skiff(["build", "--verify", "../docker.sif"], { cwd: `${dir}/docker` });
      expect([same.code, same.stdout]).toEqual([0, ""]);
      writeFileSync(`${dir}/docker/data`, "b\n");
      const verify = ["build", "--verify", "--context", "docker", "docker.sif"];
      const other = await skiff(verify, { cwd: dir });
      expect([other.code, other.stdout]).toEqual([1, "/data: content\n"]);
      expect(other.stderr).toContain("Input: COPY data /data: file data changed");
    },
  );

  testBuild("of what holds no definition is refused", async () => {
    mkdirSync(`${dir}/bare/etc`, { recursive: true });
    const refused = await skiff(["build", "--verify", "bare"], { cwd: dir });
    expect([refused.code, refused.stderr]).toEqual([
      255,
      expect.stringContaining("it holds no definition"),
    ]);
  });
});
