import { expect } from "bun:test";
import { copyFileSync, readFileSync, statSync } from "node:fs";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { run, skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { writeDefinition } from "./base-definition.ts";

/*
 * Builds in which no user id but the caller's exists.
 */

const dir = scratch();
const lack = firstReason(noUserNamespaces(), noTool("mksquashfs"), noTool("busybox"));

testUnless(lack)("with one id owners, set-ids and devices appear to be made", async () => {
  copyFileSync("/bin/busybox", `${dir}/busybox`);
  const sections = `%files
    ${dir}/busybox /bin/busybox
%post
    : > /f
    /bin/busybox chown 5:7 /f
    /bin/busybox chgrp 7 /f
    /bin/busybox mknod /null c 1 3
    /bin/busybox mkfifo /pipe
    /bin/busybox id -u > /who
    echo 'APT::Sandbox::User is told in' > /advice
    /bin/busybox mkdir -p /etc/apt/apt.conf.d
    # skiff: step
    /bin/busybox cat /etc/apt/apt.conf.d/* >> /advice
%test
    [ -p /pipe ]
`;
  writeDefinition(dir, "one.def", sections);
  await run(["chown", "-R", "--reference", dir, dir], { as: "self" });
  const built = await skiff(
    ["build", "--ignore-subuid", "--sandbox", "--force", "root", "one.def"],
    { cwd: dir, extraEnv: { SKIFF_CACHEDIR: `${dir}/kept` } },
  );
  expect(built.stderr).toContain("Build complete: root");
  expect(built.stderr).toContain("--ignore-subuid is given, trying root-mapped namespace");
  expect(built.stderr).toContain("giving files to others appears to succeed");
  const { uid, gid } = statSync(`${dir}/root`);
  const file = statSync(`${dir}/root/f`);
  expect([file.uid, file.gid]).toEqual([uid, gid]);
  expect(statSync(`${dir}/root/null`, { throwIfNoEntry: false })).toBeUndefined();
  expect(readFileSync(`${dir}/root/who`, "utf8")).toBe("0\n");
  expect(readFileSync(`${dir}/root/advice`, "utf8")).toContain('APT::Sandbox::User "root";');
  const conf = `${dir}/root/etc/apt/apt.conf.d/zz-skiff-build`;
  expect(statSync(conf, { throwIfNoEntry: false })).toBeUndefined();
});
