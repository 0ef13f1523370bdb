import { describe, expect } from "bun:test";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Op } from "../../src/ops/op.ts";
import type { FuseOp } from "../../src/ops/tree-op.ts";
import { noFuse, noOverlay, noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { isRoot } from "../support/ordinary-user.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { useStarter } from "./driver.ts";
import {
  bind,
  CLONE,
  caps,
  enter,
  exec,
  fuse,
  mkdir,
  mount,
  script,
  session,
  unshare,
} from "./make-op.ts";

const starter = useStarter();
const { place } = starter;
const lacks = firstReason(noUserNamespaces(), noFuse(), noTool("busybox"));
const testWithSquashfuse = testUnless(
  firstReason(lacks, noOverlay(), noTool("squashfuse_ll"), noTool("mksquashfs")),
);
const testWithFuse2fs = testUnless(firstReason(lacks, noTool("fuse2fs"), noTool("mkfs.ext3")));

if (lacks === undefined) {
  starter.prepare(`
    PATH=$PATH:/usr/sbin:/sbin
    mkdir -p tree/bin tree/etc tree/proc tree/dev tree/data; cp /bin/busybox tree/bin
    for name in sh cat ls grep sleep mount touch; do ln -s busybox tree/bin/$name; done
    echo image > tree/etc/name
    head -c 4096 /dev/zero | tee ext.part > image.part
    ! command -v mksquashfs || { mksquashfs tree image.sqfs -quiet -no-progress; cat image.sqfs >> image.part; }
    ! command -v mkfs.ext3 || { truncate -s 16M image.ext3; mkfs.ext3 -q -E root_owner=$(id -u):$(id -g) -d tree image.ext3
      cat image.ext3 >> ext.part; }
  `);
}

/** Living processes (zombies are for process 1 to reap) whose command line names `text`. */
function serversOf(text: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        // A zombie's command line is empty.
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(text);
      } catch {
        return false;
      }
    });
}

/** Whether the servers of an image end within five seconds. */
async function noServerLeft(text: string): Promise<boolean> {
  for (let tries = 0; tries < 100; tries++) {
    if (serversOf(text).length === 0) return true;
    await Bun.sleep(50);
  }
  return false;
}

function squashfuse(image: string, more: Partial<FuseOp> = {}): FuseOp {
  const argv = ["/usr/bin/squashfuse_ll", "-f", "-o", "offset=4096", image, "%f"];
  return fuse("/image", argv, {
    serverRoot: "/host",
    subtype: "squashfuse_ll",
    flags: 7,
    data: "allow_other",
    ...more,
  });
}

/** An image with a directory of mount points above it, as any launch from a packed image. */
function launch(image: Op, program: Op, upper?: string): Op[] {
  return [
    ...session(),
    mkdir("/image"),
    mkdir("/points/missing/point"),
    mkdir("/upper"),
    mkdir("/work"),
    image,
    {
      kind: "overlay",
      lower: ["/points", "/image"],
      upper: upper ?? "",
      work: upper === undefined ? "" : "/work",
      target: "/root",
      flags: 4,
      data: "userxattr",
    },
    bind("/proc", "/proc", { sourceRoot: "/host", root: "/root" }),
    bind("/dev", "/dev", { sourceRoot: "/host", root: "/root" }),
    bind(`${place}`, "/missing/point", { sourceRoot: "/host", root: "/root" }),
    ...enter,
    caps({ noNewPrivs: 1 }),
    program,
  ];
}

const image = `${place}/image.part`;

describe.each([
  ["as the kernel of today", {}],
  ["with the system calls of 4.18", { classic: true }],
])("a FUSE image %s", (_, options) => {
  testWithSquashfuse(
    "runs under a read-only overlay with mount points above, and no server is left",
    async () => {
      const program = script("cat /etc/name; ls -d /missing/point/image.part; touch /etc/x");
      const done = await starter.run(launch(squashfuse(image), program), options);
      expect(done.stdout).toBe("image\n/missing/point/image.part\n");
      expect(done.stderr).toContain("Read-only file system");
      expect(await noServerLeft(image)).toBe(true);
    },
  );

  testWithSquashfuse("takes writes in a tmpfs above it", async () => {
    const program = script("touch /etc/x; ls /etc");
    const done = await starter.run(launch(squashfuse(image), program, "/upper"), options);
    // What belongs to an id outside of the namespace may not be copied up.
    expect(done.stdout).toContain("name\n");
    expect(done.code).toBe(0);
  });

  testWithSquashfuse("leaves no server after SIGKILL of the program", async () => {
    const child = starter.start(launch(squashfuse(image), exec("/bin/sleep", "60")), options);
    while (serversOf(image).length === 0) await Bun.sleep(10);
    await Bun.sleep(50);
    child.kill("SIGKILL");
    await child.exited;
    expect(await noServerLeft(image)).toBe(true);
  });
});

testWithSquashfuse("no process is left when the starter is killed at any moment", async () => {
  for (let delay = 0; delay < 60; delay += 2) {
    const child = starter.start(launch(squashfuse(image), exec("/bin/sleep", "60")));
    await Bun.sleep(delay / 3);
    child.kill("SIGKILL");
    await child.exited;
  }
  expect(await noServerLeft(image)).toBe(true);
  expect(await noServerLeft(starter.path)).toBe(true);
});

testWithSquashfuse("the server stays outside of a PID namespace and ends with it", async () => {
  // One of a test before may still be on its way out.
  expect(await noServerLeft(image)).toBe(true);
  const ops = launch(
    squashfuse(image),
    script("echo $$; /bin/busybox ps | grep -c squashfuse_l[l]; exec /bin/sleep 60"),
  );
  const proc = ops.findIndex((op) => op.kind === "bind");
  ops.splice(
    proc,
    1,
    unshare(CLONE.pid),
    { kind: "fork", init: 1, after: [], says: "" },
    mount("proc", "/proc", { root: "/root" }),
  );
  const child = starter.start(ops);
  const reader = child.stdout.getReader();
  let seen = "";
  while (seen.split("\n").length < 3) seen += new TextDecoder().decode((await reader.read()).value);
  expect(seen).toBe("2\n0\n");
  expect(serversOf(image).length).toBe(1);
  child.kill("SIGKILL");
  await child.exited;
  expect(await noServerLeft(image)).toBe(true);
});

testWithSquashfuse(
  "the server holds nothing of the caller, and one capability that closes it to the program",
  async () => {
    // One of a test before may still be on its way out; others on this machine serve other images.
    expect(await noServerLeft(image)).toBe(true);
    const program = script(
      `for pid in $(/bin/busybox pidof squashfuse_ll); do grep -q ${image} /proc/$pid/cmdline && break; done
       for fd in /proc/$pid/fd/*; do /bin/busybox readlink $fd; done
       grep -E 'CapEff|CapPrm' /proc/$pid/status
       grep -c ' /image ' /proc/$pid/mountinfo; echo $pid; /bin/busybox sleep 20`,
    );
    const before = { before: "exec 7</etc/passwd;" };
    const child = starter.start([...launch(squashfuse(image), program)], before);
    const reader = child.stdout.getReader();
    let seen = "";
    while (seen.split("\n").length < 5) {
      seen += new TextDecoder().decode((await reader.read()).value);
    }
    const [permitted, effective, mounts, pid] = seen.split("\n");
    expect([permitted, effective]).toEqual([
      "CapPrm:\t0000000000000004",
      "CapEff:\t0000000000000004",
    ]);
    expect(mounts).toBe("0");
    // From outside, where one may look.
    if (isRoot) {
      const files = readdirSync(`/proc/${pid}/fd`).map((fd) =>
        readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/^.*\//, ""),
      );
      expect(files.sort()).toEqual([
        "fuse",
        "image.part",
        "memfd:log (deleted)",
        "memfd:log (deleted)",
        "memfd:nothing (deleted)",
      ]);
    }
    child.kill("SIGKILL");
    await child.exited;
    expect(await noServerLeft(image)).toBe(true);
  },
);

testWithSquashfuse("the program finds no child that it did not make", async () => {
  const ops = launch(
    squashfuse(image),
    // The names are expanded before grep is forked: it is not among them.
    script('grep -l "^PPid:.$$$" /proc/[0-9]*/status 2>/dev/null; echo end'),
  );
  const done = await starter.run(ops);
  expect(done.stdout).toBe("end\n");
});

testWithSquashfuse("standard output ends with the program, whatever the server does", async () => {
  const child = starter.start(launch(squashfuse(image), script("/bin/sleep 2 >&- 2>&- & echo x")));
  expect(await child.stdout.text()).toBe("x\n");
});

testWithSquashfuse(
  "a descriptor that the server is given by name is not the program's",
  async () => {
    const op = squashfuse("/dev/fd/9");
    const ops = launch(op, script("cat /etc/name; ls /proc/self/fd/9; ls /proc/self/fd/8"));
    const done = await starter.run(ops, { before: `exec 8</etc/passwd 9<${image};` });
    expect(done.stdout).toBe("image\n/proc/self/fd/8\n");
    expect(done.stderr).toContain("/proc/self/fd/9");
  },
);

describe("a file server that fails", () => {
  const attempt = async (op: FuseOp) => {
    const faults = [{ errno: 0, text: "cannot mount the image: %o" }];
    const [before, after] = [session(), launch(op, exec("/bin/sh")).slice(session().length)];
    const ops = after.map((o) => (o === op ? { op, faults } : o));
    return starter.run([...before, ...ops]);
  };

  testWithSquashfuse("is to blame when it has no image", async () => {
    const done = await attempt(squashfuse(`${place}/nosuch`));
    expect(done.stderr).toContain("FATAL:   cannot mount the image: ");
    expect(done.stderr).toContain("No such file or directory");
    expect(done.code).toBe(255);
  });

  testWithSquashfuse("is to blame when it is not installed", async () => {
    const done = await attempt(squashfuse(image, { argv: ["/usr/bin/nosuch", "%f"] }));
    expect(done.stderr).toBe(
      "FATAL:   cannot mount the image: /usr/bin/nosuch: No such file or directory\n",
    );
  });

  testWithFuse2fs("is to blame when it ends before it has mounted itself", async () => {
    const argv = ["/usr/bin/fuse2fs", "-f", "/etc/hostname", "%m"];
    const done = await attempt(squashfuse(image, { argv, selfMount: 1 }));
    expect(done.stderr).toContain("FATAL:   cannot mount the image: ");
    expect(done.stderr).toContain("/etc/hostname");
    expect(await noServerLeft("/etc/hostname")).toBe(true);
  });
});

describe.each([
  ["in a session", "/host"],
  ["in the caller's tree", ""],
])("a server that mounts itself, %s,", (_, serverRoot) => {
  const fuse2fs = (path: string, options: string, flags = 6): Op =>
    fuse(
      serverRoot === "" ? "/mnt" : "/root",
      ["/usr/bin/fuse2fs", "-f", "-o", options, path, "%m"],
      {
        serverRoot,
        flags,
        selfMount: 1,
      },
    );
  const ops = (server: Op, program: string): Op[] => {
    const first = session();
    // Before the first pivot the caller's tree is still the root.
    const root = serverRoot === "" ? "/mnt" : "/root";
    const start = serverRoot === "" ? first.slice(0, 2) : first;
    const from = { sourceRoot: serverRoot, root };
    return [
      ...start,
      server,
      bind("/proc", "/proc", from),
      mount("tmpfs", "/data", { root }),
      { kind: "pivot", root, putOld: "" },
      { kind: "chdir", candidates: ["/"], warning: "" },
      caps(),
      script(program),
    ];
  };

  testWithFuse2fs("serves an ext3 file for reading and writing", async () => {
    const path = `${place}/image.ext3`;
    const write = await starter.run(
      ops(
        fuse2fs(path, "rw,fakeroot,allow_other"),
        "echo more > /etc/more; cat /etc/more /etc/name",
      ),
    );
    expect(write).toEqual({ code: 0, stdout: "more\nimage\n", stderr: "" });
    expect(await noServerLeft(path)).toBe(true);
    const read = await starter.run(
      ops(fuse2fs(path, "ro,fakeroot,allow_other", 7), "cat /etc/more; touch /etc/x; mount"),
    );
    expect(read.stdout).toMatch(/^more\n.* on \/ type fuse.ext4 \(ro,nosuid,nodev,/);
    expect(read.stderr).toContain("Read-only file system");
    expect(await noServerLeft(path)).toBe(true);
  });

  testWithFuse2fs("is waited for by the next launch that locks the image", async () => {
    const path = `${place}/image.ext3`;
    for (let round = 1; round <= 4; round++) {
      const server = { ...fuse2fs(path, "fakeroot,allow_other"), source: path, lock: 2 } as Op;
      const done = await starter.run(ops(server, "echo $$ >> /etc/rounds; cat /etc/rounds"));
      expect(done.stdout.trim().split("\n").length).toBe(round);
    }
    starter.prepare(`fsck.ext3 -fn ${path} >&2`);
    const server = { ...fuse2fs(path, "fakeroot,allow_other"), source: path, lock: 2 } as Op;
    await starter.run(ops(server, "rm /etc/rounds"));
  });

  testWithFuse2fs("is refused an image that another launch uses", async () => {
    const path = `${place}/image.ext3`;
    const locked = (lock: number) =>
      ({ ...fuse2fs(path, "ro,fakeroot,allow_other"), source: path, lock }) as Op;
    const child = starter.start(ops(locked(1), "echo ready; exec sleep 60"));
    await child.stdout.getReader().read();
    expect((await starter.run(ops(locked(1), "cat /etc/name"))).stdout).toBe("image\n");
    const refused = await starter.run(ops(locked(2), "true"));
    expect(refused.stderr).toMatch(/^FATAL: {3}fuse: (resource|device or resource) busy\n$/);
    child.kill("SIGKILL");
    await child.exited;
    expect((await starter.run(ops(locked(2), "cat /etc/name"))).stdout).toBe("image\n");
    expect(await noServerLeft(path)).toBe(true);
  });

  testWithFuse2fs("serves a partition at an offset and does not outlive SIGKILL", async () => {
    const path = `${place}/ext.part`;
    const child = starter.start(
      ops(fuse2fs(path, "ro,offset=4096,fakeroot,allow_other", 7), "cat /etc/name; exec sleep 60"),
    );
    const reader = child.stdout.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe("image\n");
    expect(serversOf(path).length).toBe(1);
    child.kill("SIGKILL");
    await child.exited;
    expect(await noServerLeft(path)).toBe(true);
  });
});
