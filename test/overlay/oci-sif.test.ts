import { beforeAll, expect } from "bun:test";
import { copyFileSync, statSync } from "node:fs";
import { layeredLab } from "../oci/layered-lab.ts";
import { noTool } from "../support/host-lacks.ts";
import { ordinaryUser } from "../support/ordinary-user.ts";
import { type Finished, run, skiff, start } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

const { dir, ociLack } = layeredLab();
const lack = firstReason(ociLack, ...["fuse2fs", "fuse-overlayfs", "mkfs.ext3"].map(noTool));

const call = (...args: string[]): Promise<Finished> =>
  skiff(args, { cwd: dir, extraEnv: { SKIFF_CACHEDIR: `${dir}/cache` } });
const write = (file: string, script: string): Promise<Finished> =>
  call("exec", "--oci", "--writable", file, "sh", "-c", script);
const read = async (file: string, script: string): Promise<string> => {
  const done = await call("exec", "--oci", file, "sh", "-c", script);
  expect(done.code, done.stderr).toBe(0);
  return done.stdout;
};
const digests = async (file: string): Promise<readonly string[]> =>
  (await run([..."sha256sum -b".split(" "), `${dir}/${file}`])).stdout.split(" ");

beforeAll(async () => {
  if (lack !== undefined) return;
  await call("pull", "--oci", "--keep-layers", "base.sif", `oci:${dir}/layout:many`);
});

/** A copy of the image with an overlay. */
async function withOverlay(file: string): Promise<void> {
  copyFileSync(`${dir}/base.sif`, `${dir}/${file}`);
  await run(["chown", `${ordinaryUser()?.uid}`, `${dir}/${file}`], { as: "self" });
  const made = await call("overlay", "create", "--sparse", file);
  expect([made.code, made.stderr]).toEqual([0, ""]);
}

const slowTest = (name: string, body: () => Promise<void>): void =>
  // 64 MiB are read several times.
  testUnless(lack)(name, body, 60_000);

slowTest("overlay create adds one, which takes writes with --writable only", async () => {
  await withOverlay("write.sif");
  expect((await call("overlay", "create", "write.sif")).stderr).toContain("already exists");
  expect(await read("write.sif", "touch /forgotten && echo written")).toBe("written\n");
  const wrote = await write("write.sif", "echo 1 > /kept; rm -r /over /srv/top; mkdir /over");
  expect([wrote.code, wrote.stderr]).toEqual([0, ""]);
  expect(await read("write.sif", "cat /kept; ls /over /srv; ls /forgotten || echo none")).toBe(
    "1\n/over:\n\n/srv:\nnone\n",
  );
});

slowTest("overlay sync brings its digest up to date, and says when it is", async () => {
  await withOverlay("sync.sif");
  const before = await digests("sync.sif");
  expect((await call("overlay", "sync", "sync.sif")).stderr).toContain("no update required");
  expect(await digests("sync.sif")).toEqual(before);
  await write("sync.sif", "touch /kept");
  expect(await call("overlay", "sync", "sync.sif")).toMatchObject({ code: 0, stderr: "" });
  expect((await call("overlay", "sync", "sync.sif")).stderr).toContain("no update required");
  expect(await read("sync.sif", "ls /kept")).toBe("/kept\n");
});

testUnless(lack)(
  "overlay seal makes it a layer that shows the same, and frees its room",
  async () => {
    await withOverlay("seal.sif");
    await write(
      "seal.sif",
      "echo 1 > /kept; rm -r /over /srv/top; mkdir /over; echo 2 > /over/mine",
    );
    expect(statSync(`${dir}/seal.sif`).size).toBeGreaterThan(64 * 1024 * 1024);
    expect(await call("overlay", "seal", "seal.sif")).toMatchObject({ code: 0, stderr: "" });
    expect(statSync(`${dir}/seal.sif`).size).toBeLessThan(8 * 1024 * 1024);
    const look = "cat /kept; ls /over /srv";
    expect(await read("seal.sif", look)).toBe("1\n/over:\nmine\n\n/srv:\n");
    const native = await call("exec", "seal.sif", "sh", "-c", look);
    expect(native.stdout, native.stderr).toBe("1\n/over:\nmine\n\n/srv:\n");
    expect((await call("overlay", "seal", "seal.sif")).stderr).toContain("writable overlay");
    expect((await call("overlay", "create", "--sparse", "seal.sif")).code).toBe(0);
  },
);

testUnless(lack)(
  "an image without an overlay, and a file that is none, are refused in one line",
  async () => {
    for (const verb of ["seal", "sync"]) {
      for (const [file, why] of [
        ["base.sif", "does not contain a writable overlay"],
        ["layout/index.json", ""],
        ["missing.sif", "no such file"],
      ] as const) {
        const done = await call("overlay", verb, file);
        expect([done.code, done.stderr.split("\n").length]).toEqual([255, 2]);
        expect(done.stderr).toContain(why);
      }
    }
  },
);

slowTest("an overlay that a container writes to is neither sealed nor synchronised", async () => {
  await withOverlay("busy.sif");
  const env = { SKIFF_CACHEDIR: `${dir}/cache` };
  const words = ["exec", "--oci", "--writable", "busy.sif", "sh", "-c", "echo up; sleep 60"];
  const writer = start([skiffPath, ...words], { cwd: dir, extraEnv: env });
  const reader = writer.stdout.getReader();
  await reader.read();
  for (const verb of ["seal", "sync"]) {
    const done = await call("overlay", verb, "busy.sif");
    expect([done.code, done.stderr.split("\n").length]).toEqual([255, 2]);
    expect(done.stderr).toContain("is in use");
  }
  writer.kill("SIGKILL");
  await writer.exited;
  expect((await call("overlay", "seal", "busy.sif")).code).toBe(0);
});
