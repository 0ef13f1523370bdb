import { describe, expect } from "bun:test";
import { readFileSync } from "node:fs";
import type { Op } from "../../src/ops/op.ts";
import { noSubIds, noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { ordinaryUser } from "../support/ordinary-user.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { useStarter } from "./driver.ts";
import {
  ALL_CAPS,
  CLONE,
  caps,
  exec,
  gid,
  mount,
  rootNamespace,
  script,
  uid,
  unshare,
  userNamespace,
} from "./make-op.ts";

const starter = useStarter();
const testInUserNamespace = testUnless(noUserNamespaces());
const testWithSubIds = testUnless(firstReason(noUserNamespaces(), noSubIds(), noTool("newuidmap")));

const CHOWN = 1;
const NET_RAW = 2 ** 13;
const SYS_ADMIN = 2 ** 21;

/** Capability masks of the program: Inh, Prm, Eff, Bnd, Amb. */
const show = exec("grep", "-E", "^(Cap|NoNew)", "/proc/self/status");

function masks(status: string): Record<string, number> {
  const found = [...status.matchAll(/^(\w+):\t([0-9a-f]+)$/gm)];
  return Object.fromEntries(
    found.map(([, name, value]) => [name, Number.parseInt(value ?? "", 16)]),
  );
}

/** A filter that refuses one system call with EPERM; records as struct sock_filter. */
function refusing(number: number): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  const records = [
    [0x20, 0, 0, 0],
    [0x15, 0, 1, number],
    [0x06, 0, 0, 0x00050001],
    [0x06, 0, 0, 0x7fff0000],
  ] as const;
  records.forEach(([code, yes, no, value], index) => {
    view.setUint16(8 * index, code, true);
    view.setUint8(8 * index + 2, yes);
    view.setUint8(8 * index + 3, no);
    view.setUint32(8 * index + 4, value, true);
  });
  return bytes;
}

const UNAME = process.arch === "arm64" ? 160 : 63;

describe("caps", () => {
  testInUserNamespace("takes all from an ordinary user, and forbids new privileges", async () => {
    const done = await starter.run([userNamespace(), caps({ noNewPrivs: 1 }), show]);
    const { CapEff, CapPrm, CapInh, CapAmb, NoNewPrivs } = masks(done.stdout);
    expect([CapEff, CapPrm, CapInh, CapAmb, NoNewPrivs]).toEqual([0, 0, 0, 0, 1]);
  });

  testInUserNamespace("gives an ordinary user what is ambient", async () => {
    const some = CHOWN + NET_RAW;
    const op = caps({ effective: some, permitted: some, inheritable: some, ambient: some });
    const found = masks((await starter.run([userNamespace(), op, show])).stdout);
    expect([found["CapEff"], found["CapAmb"], found["NoNewPrivs"]]).toEqual([some, some, 0]);
  });

  testInUserNamespace("limits root by the bounding set", async () => {
    const op = caps({ effective: SYS_ADMIN, permitted: SYS_ADMIN, bounding: SYS_ADMIN });
    const found = masks((await starter.run([rootNamespace(), op, show])).stdout);
    expect([found["CapEff"], found["CapBnd"]]).toEqual([SYS_ADMIN, SYS_ADMIN]);
  });

  testInUserNamespace("never demands what is not permitted", async () => {
    const all = {
      effective: ALL_CAPS,
      permitted: ALL_CAPS,
      inheritable: ALL_CAPS,
      ambient: ALL_CAPS,
    };
    // First all but one are given up, then all are wished for.
    const few = caps({ effective: CHOWN, permitted: CHOWN });
    const done = await starter.run([userNamespace(), few, caps(all), show]);
    expect(done.code).toBe(0);
    expect(masks(done.stdout)["CapEff"]).toBe(CHOWN);
    // Outside of any namespace nothing is permitted at all.
    const outside = await starter.run([caps({ ...all, bounding: 0 }), show]);
    expect(masks(outside.stdout)["CapEff"]).toBe(0);
  });
});

describe("ids", () => {
  const subIds = (file: string): number => {
    const lines = readFileSync(file, "utf8").split("\n");
    const line = lines.find((text) => text.split(":")[0] === ordinaryUser()?.name);
    return Number(line?.split(":")[1]);
  };
  const mapped = (): Op =>
    unshare(CLONE.user | CLONE.mount, {
      uidMap: `0 ${uid} 1\n1 ${subIds("/etc/subuid")} 1000`,
      gidMap: `0 ${gid} 1\n1 ${subIds("/etc/subgid")} 1000`,
      setgroups: 1,
      newuidmap: "/usr/bin/newuidmap",
      newgidmap: "/usr/bin/newgidmap",
    });

  testWithSubIds("sets user, group and supplementary groups", async () => {
    const op: Op = { kind: "ids", uid: 5, gid: 6, groups: ["7", "8"] };
    const done = await starter.run([mapped(), op, script("id -u; id -g; id -G")]);
    expect(done.stdout).toBe("5\n6\n6 7 8\n");
  });

  testWithSubIds("keeps capabilities for the ops behind it, and none for the program", async () => {
    const done = await starter.run([
      mapped(),
      { kind: "ids", uid: 5, gid: 6, groups: [] },
      mount("tmpfs", "/mnt"),
      { kind: "attr", path: "oom_score_adj", value: "600" },
      show,
    ]);
    expect(done.stderr).toBe("");
    expect(masks(done.stdout)["CapPrm"]).toBe(0);
  });

  testWithSubIds("stays tied to its parent", async () => {
    const child = starter.start([
      mapped(),
      { kind: "fork", init: 0, after: [], says: "" },
      { kind: "ids", uid: 5, gid: 6, groups: [] },
      script("echo $$; exec sleep 60"),
    ]);
    const reader = child.stdout.getReader();
    const pid = new TextDecoder().decode((await reader.read()).value).trim();
    child.kill("SIGKILL");
    await child.exited;
    // End of file: nobody holds the pipe any more.
    expect((await reader.read()).done).toBe(true);
    expect(Number(pid)).toBeGreaterThan(1);
  });

  testInUserNamespace("keeps the groups when asked, where setgroups is denied", async () => {
    const keep: Op = { kind: "ids", uid: 0, gid: 0, groups: ["keep"] };
    expect((await starter.run([rootNamespace(), keep, exec("id", "-u")])).stdout).toBe("0\n");
    const none: Op = { kind: "ids", uid: 0, gid: 0, groups: ["0"] };
    expect((await starter.run([rootNamespace(), none, exec("id", "-u")])).stderr).toBe(
      "FATAL:   ids: operation not permitted\n",
    );
    const words: Op = { kind: "ids", uid: 0, gid: 0, groups: ["wheel"] };
    expect((await starter.run([rootNamespace(), words, exec("id")])).stderr).toBe(
      "FATAL:   ids: invalid argument\n",
    );
  });
});

describe("seccomp", () => {
  const filter: Op = { kind: "seccomp", filter: refusing(UNAME), flags: 0 };

  testInUserNamespace("filters system calls of the program", async () => {
    const done = await starter.run([
      userNamespace(),
      caps({ noNewPrivs: 1 }),
      filter,
      script("uname; grep Seccomp: /proc/self/status"),
    ]);
    expect(done.stdout).toBe("Seccomp:\t2\n");
    expect(done.stderr).toContain("uname");
  });

  testInUserNamespace("leaves the init of a PID namespace alone", async () => {
    const done = await starter.run([
      userNamespace(),
      unshare(CLONE.pid),
      { kind: "fork", init: 1, after: [], says: "" },
      mount("proc", "/proc"),
      caps({ noNewPrivs: 1 }),
      filter,
      script("grep Seccomp: /proc/1/status /proc/self/status"),
    ]);
    expect(done.stdout).toBe("/proc/1/status:Seccomp:\t0\n/proc/self/status:Seccomp:\t2\n");
  });

  testInUserNamespace("refuses what is no list of instructions", async () => {
    for (const size of [0, 7, 8 * 4097]) {
      const op: Op = { kind: "seccomp", filter: new Uint8Array(size), flags: 0 };
      const done = await starter.run([userNamespace(), op, exec("true")]);
      expect(done.stderr).toBe("FATAL:   seccomp: invalid argument\n");
    }
  });
});

testInUserNamespace("attr writes to /proc/self, whatever /proc the container has", async () => {
  const done = await starter.run([
    userNamespace(),
    mount("tmpfs", "/proc"),
    { kind: "attr", path: "oom_score_adj", value: "700" },
    { kind: "umount", target: "/proc", detach: 1, optional: 0 },
    exec("cat", "/proc/self/oom_score_adj"),
  ]);
  expect(done.stdout).toBe("700\n");
  const wrong: Op = { kind: "attr", path: "attr/nosuch", value: "x" };
  expect((await starter.run([wrong, exec("true")])).stderr).toBe(
    "FATAL:   attr: no such file or directory\n",
  );
});
