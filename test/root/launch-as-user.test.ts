import { beforeAll, describe, expect } from "bun:test";
import { existsSync } from "node:fs";
import { BUSYBOX, giveTo, IMAGE_TREE, makeTree } from "../launch/image-tree.ts";
import { noTool, notRoot, noUserNamespaces } from "../support/host-lacks.ts";
import { ordinaryUser } from "../support/ordinary-user.ts";
import { run, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/** Launches by a user in surroundings that only root can arrange. */
const dir = scratch();
const lack = firstReason(
  notRoot(),
  noUserNamespaces(),
  existsSync(BUSYBOX) ? undefined : noTool("busybox"),
  noTool("mksquashfs"),
);

beforeAll(async () => {
  if (lack !== undefined) return;
  makeTree(`${dir}/img`, IMAGE_TREE);
  const user = ordinaryUser();
  if (user !== undefined) giveTo(dir, user);
  await run(["mksquashfs", "img", "img.sqfs", "-quiet", "-no-progress"], { cwd: dir });
});

describe("a user", () => {
  testUnless(lack)("is told that an image is not readable", async () => {
    await run(["sh", "-c", "cp img.sqfs closed && chown 0:0 closed && chmod 600 closed"], {
      as: "self",
      cwd: dir,
    });
    const { code, stderr } = await skiff(["exec", `${dir}/closed`, "true"]);
    expect([code, stderr.trim().split("\n").length]).toEqual([255, 1]);
    expect(stderr).toMatch(/^FATAL: {3}.*closed is not readable/);
  });

  testUnless(firstReason(lack, noTool("unsquashfs")))(
    "with a closed /dev/fuse runs from an unpacked image",
    async () => {
      const user = ordinaryUser();
      const done = await run(
        [
          ...["unshare", "-m", "sh", "-c"],
          `mount -t tmpfs none /mnt && mknod /mnt/fuse c 10 229 && chmod 600 /mnt/fuse &&
           mount --bind /mnt/fuse /dev/fuse && exec setpriv --reuid ${user?.uid} --regid ${user?.gid} \
           --clear-groups ${skiffPath} exec ${dir}/img.sqfs echo unpacked`,
        ],
        { as: "self", cwd: "/" },
      );
      expect([done.code, done.stdout], done.stderr).toEqual([0, "unpacked\n"]);
      expect(done.stderr).toContain("Converting SIF file");
    },
  );

  testUnless(lack)("without an account starts programs", async () => {
    const { code, stdout, stderr } = await run(
      [
        ...["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "env", "-i"],
        ...[skiffPath, "exec", `${dir}/img`, "sh", "-c", "id -u; pwd; echo $HOME"],
      ],
      { as: "self", cwd: "/" },
    );
    expect([code, stdout.split("\n")[0]], stderr).toEqual([0, "54321"]);
  });
});
