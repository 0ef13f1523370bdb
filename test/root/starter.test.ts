import { describe, expect } from "bun:test";
import type { Op } from "../../src/ops/op.ts";
import type { LoopOp } from "../../src/ops/tree-op.ts";
import { useStarter } from "../starter/driver.ts";
import {
  ALL_CAPS,
  bind,
  CLONE,
  caps,
  exec,
  fuse,
  mount,
  script,
  session,
  unshare,
} from "../starter/make-op.ts";
import { noFuse, noTool, notRoot } from "../support/host-lacks.ts";
import { firstReason, testUnless } from "../support/skip.ts";

const starter = useStarter("self");
const { place } = starter;
const testAsRoot = testUnless(notRoot());

if (notRoot() === undefined) {
  starter.prepare(`
    mkdir -p tree; echo image > tree/name; head -c 8192 /dev/zero > image.part
    ! command -v mkfs.ext3 || { truncate -s 8M ext; mkfs.ext3 -q -d tree ext; cat ext >> image.part; }
  `);
}

/** A mount namespace of root's own, without a user namespace. */
const plainSession = session(unshare(CLONE.mount));

describe("the starter as root", () => {
  testAsRoot("enters a tree without a user namespace", async () => {
    const done = await starter.run([
      ...plainSession,
      bind("/", "/root", { sourceRoot: "/host" }),
      { kind: "pivot", root: "/root", putOld: "" },
      script("cat /proc/self/uid_map | tr -s ' '; ls -d /host"),
    ]);
    expect(done.stdout).toBe(" 0 0 4294967295\n");
  });

  testAsRoot("becomes another user without capabilities", async () => {
    const done = await starter.run([
      { kind: "ids", uid: 1234, gid: 2345, groups: ["3456"] },
      script("id -u; id -g; id -G; grep CapEff /proc/self/status"),
    ]);
    expect(done.stdout).toBe("1234\n2345\n2345 3456\nCapEff:\t0000000000000000\n");
  });

  testAsRoot("keeps capabilities for another user when they are ambient", async () => {
    const all = { effective: 1, permitted: 1, inheritable: 1, ambient: 1, bounding: ALL_CAPS };
    const done = await starter.run([
      { kind: "ids", uid: 1234, gid: 2345, groups: [] },
      caps(all),
      exec("grep", "CapEff", "/proc/self/status"),
    ]);
    expect(done.stdout).toBe("CapEff:\t0000000000000001\n");
  });

  testAsRoot("maps ids that are not its own through a partner outside", async () => {
    const done = await starter.run([
      unshare(CLONE.user | CLONE.mount, {
        uidMap: "0 100000 10\n10 200000 5\n",
        gidMap: "0 100000 10",
        setgroups: 1,
      }),
      { kind: "ids", uid: 0, gid: 0, groups: [] },
      script("cat /proc/self/uid_map /proc/self/setgroups | tr -s ' '; id -u"),
    ]);
    expect(done).toEqual({ code: 0, stdout: " 0 100000 10\n 10 200000 5\nallow\n0\n", stderr: "" });
  });

  testAsRoot("tells the kernel's reason when a map is refused", async () => {
    const op = unshare(CLONE.user, { uidMap: "0 0 10\n5 50 10\n", gidMap: "0 0 1" });
    const done = await starter.run([op, exec("true")]);
    expect(done.stderr).toBe("FATAL:   unshare: invalid argument\n");
  });
});

const lacksLoop = firstReason(
  notRoot(),
  noTool("mkfs.ext3"),
  Bun.spawnSync(["losetup", "-f"]).exitCode === 0 ? undefined : "there are no loop devices",
);

describe.each([
  ["as the kernel of today", {}],
  ["with the system calls of 4.18", { classic: true }],
])("loop %s", (_, options) => {
  const image = (more: Partial<LoopOp> = {}): Op => ({
    kind: "loop",
    most: 256,
    sourceRoot: "/host",
    file: `${place}/image.part`,
    offset: 8192,
    size: 0,
    target: "/root",
    fstype: "ext4",
    flags: 1,
    data: "noload",
    ...more,
  });

  testUnless(lacksLoop)("mounts part of a file and gives the device back", async () => {
    const done = await starter.run(
      [
        ...plainSession,
        image(),
        // The shell and its libraries are the caller's: the image is looked at from there.
        bind("/root", "/mnt", { root: "/host" }),
        { kind: "pivot", root: "/host", putOld: "" },
        script("cat /mnt/name; grep -c ' /mnt ext4 ro' /proc/mounts"),
      ],
      options,
    );
    expect(done).toEqual({ code: 0, stdout: "image\n1\n", stderr: "" });
    const left = Bun.spawnSync(["losetup", "-j", `${place}/image.part`]);
    expect(left.stdout.toString()).toBe("");
  });

  testUnless(lacksLoop)("fails where there is no file system", async () => {
    const done = await starter.run([...plainSession, image({ offset: 0 }), exec("true")], options);
    expect(done.stderr).toBe("FATAL:   loop: invalid argument\n");
    const missing = image({ file: "/nosuch" });
    const none = await starter.run([...plainSession, missing, exec("true")], options);
    expect(none.stderr).toBe("FATAL:   loop: no such file or directory\n");
  });
});

testAsRoot("a tmpfs can be mounted without a session", async () => {
  const done = await starter.run([
    unshare(CLONE.mount),
    { kind: "propagation", target: "/", flags: 0x44000 },
    mount("tmpfs", "/mnt"),
    script("grep -c ' /mnt tmpfs' /proc/mounts"),
  ]);
  expect(done.stdout).toBe("1\n");
});

testUnless(
  firstReason(
    notRoot(),
    noFuse(),
    noTool("squashfuse_ll"),
    noTool("mksquashfs"),
    noTool("busybox"),
  ),
)("a file server of root may read what only root may, and ends with the program", async () => {
  starter.prepare(`
    mkdir -p closed/bin; cp /bin/busybox closed/bin/sh; echo image > closed/name
    mksquashfs closed closed.sqfs -quiet -no-progress >/dev/null; chown nobody closed.sqfs; chmod 000 closed.sqfs
  `);
  const argv = ["/usr/bin/squashfuse_ll", "-f", `${place}/closed.sqfs`, "%f"];
  const server = fuse("/root", argv, { serverRoot: "/host", uid: 0, gid: 0, data: "allow_other" });
  const done = await starter.run([
    ...plainSession,
    server,
    { kind: "pivot", root: "/root", putOld: "" },
    exec("/bin/sh", "-c", "while read -r word; do echo $word; done < /name"),
  ]);
  expect(done).toEqual({ code: 0, stdout: "image\n", stderr: "" });
  const left = () => Bun.spawnSync(["pgrep", "-f", `${place}/closed.sqfs`]).exitCode === 0;
  for (let tries = 0; tries < 100 && left(); tries++) await Bun.sleep(50);
  expect(left()).toBe(false);
});
