import { expect, test } from "bun:test";
import fc from "fast-check";
import { arbitraryOp } from "../../test/starter/arbitrary-op.ts";
import { candidates, describeOp } from "./describe.ts";
import type { Op } from "./op.ts";

test.each([
  [
    "enter new user, mount namespaces (uids 0 1000 1, 1 100000 65536; gids 0 1000 1 by /usr/bin/newuidmap)",
    {
      kind: "unshare",
      flags: 0x10020000,
      uidMap: "0 1000 1\n1 100000 65536\n",
      gidMap: "0 1000 1",
      setgroups: 1,
      newuidmap: "/usr/bin/newuidmap",
      newgidmap: "/usr/bin/newgidmap",
    },
  ],
  [
    "bind /host/home/u on /root/home/u (nosuid,nodev,recursive,may fail)",
    {
      kind: "bind",
      sourceRoot: "/host",
      source: "/home/u",
      root: "/root",
      target: "/home/u",
      recursive: 1,
      flags: 6,
      create: 0,
      optional: 1,
      warning: "",
    },
  ],
  [
    "mount tmpfs on /tmp (nosuid,nodev,mode=1777)",
    {
      kind: "mount",
      fstype: "tmpfs",
      source: "tmpfs",
      root: "",
      target: "/tmp",
      flags: 6,
      data: "mode=1777",
      optional: 0,
    },
  ],
  ["make / slave", { kind: "propagation", target: "/", flags: 0x80000 }],
  [
    "overlay /a over /b on /root, read-only",
    {
      kind: "overlay",
      lower: ["/a", "/b"],
      upper: "",
      work: "",
      target: "/root",
      flags: 0,
      data: "",
    },
  ],
  [
    "limit resource 7 to 1024, at most unlimited",
    { kind: "rlimit", resource: 7, soft: 1024, hard: Number.POSITIVE_INFINITY },
  ],
  [
    "execute /bin/bash --norc, else /bin/sh",
    {
      kind: "exec",
      words: ["/bin/bash", "--norc", "/bin/sh"],
      counts: ["2", "1"],
      notes: ["", ""],
      fullName: 0,
    },
  ],
  ["change directory to /w, else /", { kind: "chdir", candidates: ["/w", "/"], warning: "" }],
] as [string, Op][])("describeOp() says %j", (words, op) => {
  expect(describeOp(op)).toBe(words);
});

test("describeOp() has words for every op", () => {
  fc.assert(
    fc.property(arbitraryOp, (op) => {
      expect(describeOp(op)).not.toBe("");
    }),
  );
});

test("candidates() takes the argv lists apart", () => {
  expect(candidates(["a", "b", "c"], ["1", "0", "2"])).toEqual([["a"], [], ["b", "c"]]);
});
