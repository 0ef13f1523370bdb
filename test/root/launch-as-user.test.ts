import { describe, expect } from "bun:test";
import { launchLab } from "../launch/launch-lab.ts";
import { noTool, notRoot } from "../support/host-lacks.ts";
import { ordinaryUser } from "../support/ordinary-user.ts";
import { run, skiff } from "../support/run.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/** Launches by a user in surroundings that only root can arrange. */
const { dir, lack: noLab } = launchLab();
const lack = firstReason(notRoot(), noLab);

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

  testUnless(lack)("is told that a known image cannot be written to any more", async () => {
    const user = ordinaryUser();
    const line = `
      as_user() { setpriv --reuid ${user?.uid} --regid ${user?.gid} --clear-groups env "$@"; }
      skiff() { as_user SKIFF_CACHEDIR=${dir}/records ${skiffPath} "$@"; }
      mkdir -p disk && mount -t tmpfs none disk && cp -a img disk/img && sleep 3.1
      for i in 1 2 3; do skiff exec --writable disk/img echo known || exit; done
      as_user find ${dir}/records -type f -size +1
      mount -o remount,ro disk
      skiff exec --writable disk/img echo known`;
    const done = await run(["unshare", "-m", "sh", "-c", line], { as: "self", cwd: dir });
    expect(done.stdout).toMatch(/^known\nknown\nknown\n\S+\n$/);
    expect(done.stderr).toContain("Cannot write to");
    expect(done.code).toBe(255);
  });

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
