import { beforeAll, expect } from "bun:test";
import { existsSync } from "node:fs";
import { BUSYBOX, IMAGE_TREE, makeTree } from "../launch/image-tree.ts";
import { noTool, notRoot } from "../support/host-lacks.ts";
import { run, skiff, start } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/** Overlay images for root, whom the kernel lets mount them through loop devices. */
const dir = scratch("self");
const lack = firstReason(
  notRoot(),
  existsSync(BUSYBOX) ? undefined : noTool("busybox"),
  noTool("mkfs.ext3"),
);
const as = { as: "self", cwd: dir } as const;
const use = (overlay: string, ...words: string[]): string[] => [
  "exec",
  "--overlay",
  overlay,
  "img",
  ...words,
];

beforeAll(async () => {
  if (lack !== undefined) return;
  makeTree(`${dir}/img`, IMAGE_TREE);
  await skiff(["overlay", "create", "--sparse", "o.img"], as);
});

testUnless(lack)(
  "root's overlay is mounted by the kernel and locked as long as it is",
  async () => {
    const plan = await skiff(["explain", ...use("o.img", "true")], as);
    const made = await skiff(use("o.img", "sh", "-c", "echo k > /kept; chown 5:6 /kept"), as);
    expect(made.code, made.stderr).toBe(0);
    const holder = start([skiffPath, ...use("o.img", "sh", "-c", "echo on; exec sleep 60")], as);
    await holder.stdout.getReader().read();
    const refused = await skiff(use("o.img:ro", "true"), as);
    expect([refused.code, refused.stderr], plan.stdout).toEqual([
      255,
      expect.stringContaining("currently in use for writing by another process"),
    ]);
    holder.kill("SIGKILL");
    await holder.exited;
    const after = await skiff(use("o.img:ro", "stat", "-c", "%u:%g", "/kept"), as);
    expect([after.code, after.stdout], after.stderr).toEqual([0, "5:6\n"]);
    const loops = await run(["sh", "-c", "cat /sys/block/loop*/loop/backing_file"], { as: "self" });
    expect(loops.stdout).not.toContain(dir);
  },
);
