import { describe, expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { encodeOps } from "../../src/ops/encode.ts";
import type { Op } from "../../src/ops/op.ts";
import { noOverlay, noUserNamespaces } from "../support/host-lacks.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { type LaunchOptions, useStarter, wire } from "./driver.ts";
import {
  bind,
  CLONE,
  enter,
  exec,
  hostSession,
  mkdir,
  mount,
  rootNamespace,
  script,
  session,
  unshare,
  userNamespace,
} from "./make-op.ts";

const starter = useStarter();
const { place } = starter;
const testInUserNamespace = testUnless(noUserNamespaces());

starter.prepare(`
  mkdir -p tree/bin tree/dir tree/real/deep tree/proc data/below
  echo data > data/file; echo below > data/below/file; echo one > one
  ln -s /real/deep tree/absolute; ln -s ../../../../real/../absolute tree/dir/up
  ln -s loop tree/loop; ln -s /dir/new tree/dangling; touch tree/plain
  ln -s ${place}/data data-link
`);

const RO = 1;
const NOSUID = 2;
const NODEV = 4;
const NOEXEC = 8;

/** Looks at /root of a session through the caller's own programs: nothing is entered. */
function look(ops: readonly Op[], command: string): Op[] {
  return [
    ...session(),
    bind(`${place}/tree`, "/root", { sourceRoot: "/host" }),
    ...ops,
    // The caller's tree, with the session's root in it, where the shell is.
    bind("/root", "/mnt", { root: "/host" }),
    { kind: "pivot", root: "/host", putOld: "" },
    { kind: "chdir", candidates: ["/mnt"], warning: "" },
    script(command),
  ];
}

const toRoot = { sourceRoot: "/host", root: "/root" };

describe.each([
  ["as the kernel of today", {}],
  ["with the system calls of 4.18", { classic: true }],
  ["on an initramfs", { chroot: true }],
] as [string, LaunchOptions][])("mounts %s", (_, options) => {
  const launch = (ops: readonly Op[]) => starter.run(ops, options);

  testInUserNamespace("a session enters a tree and finds nothing of the old one", async () => {
    const done = await launch([
      ...hostSession(),
      ...enter,
      script("id -u; cat /proc/self/mountinfo | grep -c ' /host '; ls -d /host"),
    ]);
    expect(done.stdout.split("\n").slice(1, 2)).toEqual(["0"]);
    expect(done.stderr).toContain("/host");
  });

  testInUserNamespace("bind follows links inside its roots only", async () => {
    const done = await launch(
      look(
        [
          bind(`${place}/data-link`, "/absolute", toRoot),
          bind(`${place}/data/below`, "/dir/up", toRoot),
        ],
        "cat real/deep/file",
      ),
    );
    expect(done).toEqual({ code: 0, stdout: "below\n", stderr: "" });
  });

  testInUserNamespace("bind never leaves the root by .. or by an absolute link", async () => {
    const done = await launch(
      look([bind(`${place}/one`, "../../../../plain", toRoot)], "cat plain"),
    );
    expect(done).toEqual({ code: 0, stdout: "one\n", stderr: "" });
  });

  testInUserNamespace("bind of a loop of links fails with ELOOP", async () => {
    const done = await launch(look([bind(`${place}/data`, "/loop", toRoot)], "true"));
    expect(done.stderr).toMatch(/^FATAL: {3}bind: (symbolic link loop|too many levels.*)\n$/);
    expect(done.code).toBe(255);
  });

  testInUserNamespace("bind adds flags and keeps those that are there", async () => {
    const first = bind(`${place}/data`, "/dir", { ...toRoot, flags: NOSUID | NOEXEC });
    const second = bind("/root/dir", "/real", { root: "/root", flags: RO | NODEV });
    const done = await launch(look([first, second], "grep -E ' /mnt/(dir|real) ' /proc/mounts"));
    const [dir, real] = done.stdout.split("\n").map((line) => line.split(" ")[3]?.split(","));
    expect(dir).toContain("rw");
    expect(dir).toContain("nosuid");
    expect(dir).toContain("noexec");
    expect(dir).not.toContain("nodev");
    for (const flag of ["ro", "nosuid", "nodev", "noexec"]) expect(real).toContain(flag);
  });

  testInUserNamespace("bind keeps flags that the namespace above has locked", async () => {
    const done = await launch([
      ...hostSession(),
      mount("tmpfs", "/tmp", { root: "/root", flags: NOSUID | NODEV | RO }),
      ...enter,
      // In a second user namespace everything that is mounted is locked.
      userNamespace(),
      bind("/tmp", "/mnt", { flags: NOEXEC }),
      { kind: "remount", root: "/", target: "/mnt", flags: RO | NOEXEC },
      script("grep ' /mnt ' /proc/mounts"),
    ]);
    expect(done.stderr).toBe("");
    for (const flag of ["ro", "nosuid", "nodev", "noexec"]) {
      expect(done.stdout.split(" ")[3]?.split(",")).toContain(flag);
    }
  });

  testInUserNamespace("bind makes a missing target like its source when asked", async () => {
    const done = await launch(
      look(
        [
          mount("tmpfs", "/dir", { root: "/root" }),
          bind(`${place}/data`, "/dir/a/b", { ...toRoot, create: 1 }),
          bind(`${place}/one`, "/dangling/c", { ...toRoot, create: 1 }),
        ],
        "cat dir/a/b/file dir/new/c",
      ),
    );
    expect(done.stdout).toBe("data\none\n");
  });

  testInUserNamespace("bind tells a missing source from a missing target", async () => {
    const attempt = async (op: Op) => {
      const faults = [
        { errno: 2, text: "no source" },
        { errno: 89, text: "no target" },
        { errno: 20, text: "kinds differ" },
      ];
      const tree = bind(`${place}/tree`, "/root", { sourceRoot: "/host" });
      return (await starter.run([...session(), tree, { op, faults }], options)).stderr;
    };
    expect(await attempt(bind("/nosuch", "/dir", toRoot))).toBe("FATAL:   no source\n");
    expect(await attempt(bind("/etc", "/nosuch", toRoot))).toBe("FATAL:   no target\n");
    expect(await attempt(bind("/etc", "/plain", toRoot))).toBe("FATAL:   kinds differ\n");
  });

  testInUserNamespace("an optional bind says its warning and goes on", async () => {
    const warning = "WARNING: 100%% skipped: %e";
    const done = await launch([
      bind("/nosuch", "/tmp", { optional: 1, warning }),
      bind("/nosuch", "/tmp", { optional: 1 }),
      exec("true"),
    ]);
    expect(done).toEqual({
      code: 0,
      stdout: "",
      stderr: "WARNING: 100% skipped: no such file or directory\n",
    });
  });

  testInUserNamespace("remount sets the flags and mount takes options", async () => {
    const done = await launch(
      look(
        [
          mount("tmpfs", "/dir", { root: "/root", flags: NODEV, data: "mode=750,size=1m" }),
          { kind: "remount", root: "/root", target: "/dir", flags: RO },
        ],
        "grep ' /mnt/dir ' /proc/mounts | cut -d' ' -f3-4; stat -c %a dir; touch dir/x",
      ),
    );
    expect(done.stdout).toMatch(/^tmpfs ro,relatime,size=1024k,mode=750.*\n750\n$/);
    expect(done.stderr).toContain("Read-only file system");
  });

  testInUserNamespace("an optional mount that is refused is passed over", async () => {
    const ops = (optional: number) => [
      ...session(),
      mount("nosuchfs", "/root", { optional }),
      exec("/host/bin/true"),
    ];
    expect((await launch(ops(0))).stderr).toBe("FATAL:   mount: no such device\n");
    // No loader outside of /host: only that it got so far matters.
    expect((await launch(ops(1))).stderr).not.toContain("mount:");
  });

  testInUserNamespace("umount takes a mount away, detached or not", async () => {
    const umount = (detach: number, optional = 0): Op => ({
      kind: "umount",
      target: "/root/dir",
      detach,
      optional,
    });
    const done = await launch(
      look(
        [
          mount("tmpfs", "/dir", { root: "/root" }),
          umount(0),
          mount("tmpfs", "/dir", { root: "/root" }),
          mkdir("/dir/x", "/root"),
          mount("tmpfs", "/dir/x", { root: "/root" }),
          umount(1),
          umount(0, 1),
        ],
        "grep -c ' /mnt/dir' /proc/mounts",
      ),
    );
    expect(done).toEqual({ code: 1, stdout: "0\n", stderr: "" });
  });

  testInUserNamespace("files, directories and links have exactly their modes", async () => {
    const content = new TextEncoder().encode("text\n");
    const file = (path: string, mode: number): Op => ({
      kind: "file",
      root: "/root",
      path,
      mode,
      content,
    });
    const done = await starter.run(
      look(
        [
          mount("tmpfs", "/dir", { root: "/root" }),
          mkdir("/dir/a/b", "/root", 0o1777),
          mkdir("/dir/a/b", "/root", 0o700),
          file("/dir/a/f", 0o666),
          file("/dir/a/f", 0o640),
          { kind: "symlink", root: "/root", path: "/dir/a/l", target: "/etc/shadow" },
          { kind: "symlink", root: "/root", path: "/dir/a/l", target: "f" },
          file("/dir/a/../a/g", 0o4755),
        ],
        "cd dir/a; stat -c '%a %F' . b f g; cat l; umask",
      ),
      { ...options, before: "umask 077;" },
    );
    expect(done.stdout).toBe(
      "755 directory\n1777 directory\n640 regular file\n4755 regular file\ntext\n0077\n",
    );
  });

  testInUserNamespace("a file replaces a link instead of writing through it", async () => {
    const done = await launch(
      look(
        [
          mount("tmpfs", "/dir", { root: "/root" }),
          { kind: "symlink", root: "/root", path: "/dir/l", target: `${place}/one` },
          { kind: "file", root: "/root", path: "/dir/l", mode: 0o644, content: new Uint8Array(3) },
        ],
        `stat -c %F%s dir/l; cat ${place}/one`,
      ),
    );
    expect(done.stdout).toBe("regular file3\none\n");
  });

  testInUserNamespace("mkdir fails where a file is", async () => {
    const done = await launch(look([mkdir("/plain", "/root")], "true"));
    expect(done.stderr).toBe("FATAL:   mkdir: not a directory\n");
  });

  testUnless(noOverlay())("an overlay shows its layers, odd names included", async () => {
    const done = await launch(
      look(
        [
          mount("tmpfs", "/dir", { root: "/root" }),
          mkdir("/dir/a:b,c\\d/only-a", "/root"),
          mkdir("/dir/low/only-low", "/root"),
          mkdir("/dir/up", "/root"),
          mkdir("/dir/work", "/root"),
          mkdir("/dir/out", "/root"),
          {
            kind: "overlay",
            lower: ["/root/dir/a:b,c\\d", "/root/dir/low"],
            upper: "/root/dir/up",
            work: "/root/dir/work",
            target: "/root/dir/out",
            flags: NODEV,
            data: "userxattr",
          },
        ],
        "ls dir/out; touch dir/out/new; ls dir/up; grep -c ' /mnt/dir/out overlay rw,nodev' /proc/mounts",
      ),
    );
    expect(done).toEqual({ code: 0, stdout: "only-a\nonly-low\nnew\n1\n", stderr: "" });
  });

  testUnless(noOverlay())("an overlay without an upper directory is read-only", async () => {
    const done = await launch(
      look(
        [
          mount("tmpfs", "/dir", { root: "/root" }),
          mkdir("/dir/points/data", "/root"),
          mkdir("/dir/low", "/root"),
          {
            kind: "overlay",
            lower: ["/root/dir/points", "/root/dir/low"],
            upper: "",
            work: "",
            target: "/root/dir/low",
            flags: 0,
            data: "",
          },
        ],
        "ls dir/low; touch dir/low/x",
      ),
    );
    expect(done.stdout).toBe("data\n");
    expect(done.stderr).toContain("Read-only file system");
  });
});

testUnless(firstReason(noUserNamespaces()))(
  "a read-only recursive bind is read-only below, without its other flags",
  async () => {
    const done = await starter.run([
      ...hostSession(),
      mount("tmpfs", "/root/tmp"),
      mkdir("/root/tmp/x"),
      mount("tmpfs", "/root/tmp/x"),
      bind("/root/tmp", "/root/media", { flags: RO | NOEXEC }),
      { kind: "pivot", root: "/root", putOld: "" },
      script("grep ' /media' /proc/mounts | cut -d' ' -f2,4; touch /tmp/x/y"),
    ]);
    expect(done.stderr).toBe("");
    expect(done.stdout).toMatch(/^\/media ro,noexec,relatime.*\n\/media\/x ro,relatime.*\n$/);
  },
);

testInUserNamespace("propagation decides whether mounts come over from the caller", async () => {
  // A shared tmpfs, an inner launch below it, then a mount outside of that launch.
  const inner = (flags: number): Op[] => [
    unshare(CLONE.user | CLONE.mount, { uidMap: "0 0 1", gidMap: "0 0 1" }),
    { kind: "propagation", target: "/", flags },
    script("echo ready; read line; grep -c ' /tmp/late ' /proc/self/mounts"),
  ];
  const outcome = async (flags: number) => {
    const file = `${place}/inner-${flags}`;
    writeFileSync(file, encodeOps(wire(inner(flags)), { debug: false, procPath: "/proc" }));
    const done = await starter.run([
      rootNamespace(),
      { kind: "propagation", target: "/", flags: 0x44000 },
      mount("tmpfs", "/tmp"),
      { kind: "propagation", target: "/tmp", flags: 0x100000 },
      mkdir("/tmp/late"),
      exec(
        "/bin/bash",
        "-c",
        `coproc "$0" 3 3<"$1"; read ready <&\${COPROC[0]}; mount -t tmpfs t /tmp/late
         echo >&\${COPROC[1]}; cat <&\${COPROC[0]}`,
        starter.path,
        file,
      ),
    ]);
    return done.stdout;
  };
  expect(await outcome(0x84000)).toBe("1\n");
  expect(await outcome(0x44000)).toBe("0\n");
});

testInUserNamespace("the mount ops work where /proc is not there", async () => {
  const done = await starter.run(
    [
      ...session(userNamespace(CLONE.uts)).slice(1),
      bind(`${place}/data`, "/root", { sourceRoot: "/host", flags: RO }),
      { kind: "pivot", root: "/host", putOld: "" },
      exec("/bin/true"),
    ],
    { procPath: "/nosuch", before: 'exec unshare -Ur --mount "$0" 3 3<"$1";' },
  );
  expect(done).toEqual({ code: 0, stdout: "", stderr: "" });
});
