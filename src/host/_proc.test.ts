import { expect, test } from "bun:test";
import { isBinfmtFor } from "./_binfmt.ts";
import { parseMountinfo } from "./_mountinfo.ts";
import { parseProcStatus } from "./proc-status.ts";

test("parseMountinfo() reads fields, decodes octal escapes and passes over optional fields", () => {
  const text = [
    "36 35 98:0 / /a\\040b ro,noatime shared:1 master:2 - ext4 /dev/sd\\134a rw,errors=continue",
    "37 36 0:5 /sub\\011dir /dev rw - devtmpfs none rw",
    "not a mount",
    "38 37 0:6 / /x\\999 rw - fuse.squashfuse_ll  ro",
    "",
  ].join("\n");
  expect(parseMountinfo(text)).toEqual([
    {
      target: "/a b",
      fstype: "ext4",
      source: "/dev/sd\\a",
      root: "/",
      options: ["ro", "noatime"],
      superOptions: ["rw", "errors=continue"],
    },
    {
      target: "/dev",
      fstype: "devtmpfs",
      source: "none",
      root: "/sub\tdir",
      options: ["rw"],
      superOptions: ["rw"],
    },
    {
      target: "/x\\999",
      fstype: "fuse.squashfuse_ll",
      source: "",
      root: "/",
      options: ["rw"],
      superOptions: ["ro"],
    },
  ]);
});

test("parseProcStatus() reads octal and hexadecimal fields, and 0 for missing ones", () => {
  const text =
    "Name:\tx\nUmask:\t0027\nCapPrm:\t000001ffffffffff\nCapBnd:\t0000000000000400\nNoNewPrivs:\t1\nSeccomp:\t2\n";
  expect(parseProcStatus(text)).toEqual({
    umask: 0o27,
    permitted: 2 ** 41 - 1,
    bounding: 0x400,
    noNewPrivs: true,
    seccomp: 2,
  });
  expect(parseProcStatus("")).toEqual({
    umask: undefined,
    permitted: 0,
    bounding: 0,
    noNewPrivs: false,
    seccomp: 0,
  });
});

const ARM64 =
  "enabled\ninterpreter /usr/bin/q\nflags: F\noffset 0\nmagic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n";

test("isBinfmtFor() compares the ELF machine of an enabled handler, in the file's byte order", () => {
  const s390x = ARM64.replace("7f454c460201", "7f454c460202").replace("0200b700", "00020016");
  const table: readonly [string, string, boolean][] = [
    [ARM64, "arm64", true],
    [ARM64, "amd64", false],
    [ARM64, "nosuch", false],
    [ARM64.replace("enabled", "disabled"), "arm64", false],
    [ARM64.replace("offset 0", "offset 4"), "arm64", false],
    [ARM64.replace(/magic .*/, "magic 7f454c46"), "arm64", false],
    [ARM64.replace(/magic .*/, "extension .exe"), "arm64", false],
    [s390x, "s390x", true],
    [s390x, "arm64", false],
  ];
  for (const [entry, arch, expected] of table) expect(isBinfmtFor(entry, arch)).toBe(expected);
});
