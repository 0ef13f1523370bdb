import { expect, test } from "bun:test";
import type { MountInfo } from "../../plan/facts.ts";
import { familyOf } from "./_packages.ts";
import { parseCompressors } from "./build-tools.ts";
import type { Check, CheckState } from "./check.ts";
import { driverVersion } from "./gpus.ts";
import { canRunContainers } from "./probe-all.ts";
import { mountOf } from "./storage.ts";

test("familyOf() knows distributions by themselves or by what they are like", () => {
  const table: readonly [string, string | undefined][] = [
    ['PRETTY_NAME="x"\nID=debian\n', "debian"],
    ["ID=linuxmint\nID_LIKE=ubuntu debian\n", "debian"],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', "fedora"],
    ['ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', "suse"],
    ["ID=arch\n", "arch"],
    ["ID=alpine\n", "alpine"],
    ["ID=other\n", undefined],
    ["", undefined],
  ];
  for (const [text, family] of table)
    expect(familyOf(text)).toBe(family as ReturnType<typeof familyOf>);
});

test("parseCompressors() reads the names and passes over their options", () => {
  const help =
    "-not-a-name\n\nCompressors available and compressor specific options:\n\tgzip (default)\n\t  -Xcompression-level <n>\n\t\tdescription\n\tzstd\n\t  -Xcompression-level <n>\n-b <size>\tset\n\tlz4\n";
  expect(parseCompressors(help)).toEqual(["gzip", "zstd"]);
  expect(parseCompressors("nothing")).toEqual([]);
});

test("driverVersion() finds the number in each kind of module line", () => {
  const table: readonly [string, string | undefined][] = [
    [
      "NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.82.01  Wed Oct 27\nGCC version: 9\n",
      "470.82.01",
    ],
    [
      "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.14  Release Build\n",
      "550.54.14",
    ],
    ["", undefined],
  ];
  for (const [text, version] of table) expect(driverVersion(text)).toBe(version);
});

test("mountOf() takes the longest target and the topmost of equal ones", () => {
  const mount = (target: string, fstype: string): MountInfo => ({
    target,
    fstype,
    source: "",
    root: "/",
    options: [],
    superOptions: [],
  });
  const mounts = [
    mount("/", "ext4"),
    mount("/home", "nfs"),
    mount("/home", "xfs"),
    mount("/homes", "tmpfs"),
  ];
  const table: readonly [string, string][] = [
    ["/home/ann", "xfs"],
    ["/homes", "tmpfs"],
    ["/homeless", "ext4"],
    ["/", "ext4"],
  ];
  for (const [path, fstype] of table) expect(mountOf(mounts, path)?.fstype).toBe(fstype);
  expect(mountOf([], "/x")).toBeUndefined();
});

test("canRunContainers() needs namespaces, or root, and some way into an image", () => {
  const checks = (states: Readonly<Record<string, CheckState>>): readonly Check[] =>
    Object.entries(states).map(([id, state]) => ({
      id,
      name: id,
      state,
      found: state === "missing" ? "not installed" : "there",
    }));
  const all = {
    "namespaces.user": "ok",
    "fuse.device": "ok",
    "fuse.squashfuse": "ok",
    "tools.unsquashfs": "ok",
    loop: "ok",
  } as const;
  const table: readonly [Readonly<Record<string, CheckState>>, boolean, boolean][] = [
    [all, false, true],
    [{ ...all, "namespaces.user": "missing" }, false, false],
    [{ ...all, "namespaces.user": "missing" }, true, true],
    [{ ...all, "fuse.device": "limited" }, false, true],
    [{ ...all, "fuse.device": "limited", "tools.unsquashfs": "missing" }, false, false],
    [{ ...all, "fuse.device": "limited", "tools.unsquashfs": "missing" }, true, true],
    [{ ...all, "fuse.squashfuse": "missing", "tools.unsquashfs": "missing" }, false, false],
    [{ ...all, "tools.unsquashfs": "missing" }, false, true],
  ];
  for (const [states, isRoot, expected] of table) {
    expect(canRunContainers(checks(states), isRoot)).toBe(expected);
  }
});
