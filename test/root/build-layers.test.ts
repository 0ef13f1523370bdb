import { expect } from "bun:test";
import { copyFileSync, readdirSync, readFileSync } from "node:fs";
import { writeDefinition } from "../build/base-definition.ts";
import { noTool } from "../support/host-lacks.ts";
import { isRoot } from "../support/ordinary-user.ts";
import { skiff, start } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";

/*
 * Builds of root: the layers of the steps are mounted where the machine does not see them.
 */

const dir = scratch("self");
const lack = firstReason(
  isRoot ? undefined : "it needs root",
  noTool("mksquashfs"),
  noTool("busybox"),
);
const options = { cwd: dir, as: "self", extraEnv: { SKIFF_CACHEDIR: `${dir}/kept` } } as const;

function write(post: string): void {
  copyFileSync("/bin/busybox", `${dir}/busybox`);
  writeDefinition(dir, "x.def", `%files\n    ${dir}/busybox /bin/busybox\n%post\n${post}`);
}

testUnless(lack)("root's steps are kept, with all owners, and taken again", async () => {
  write("    : > /f\n    /bin/busybox chown 5:70000 /f\n");
  const first = await skiff(["build", "--force", "--sandbox", "root", "x.def"], options);
  expect(first.stderr).toContain("Build complete");
  const second = await skiff(["build", "--force", "--sandbox", "root", "x.def"], options);
  expect(second.stderr).toContain("%post: hit");
  const { uid, gid } = await Bun.file(`${dir}/root/f`).stat();
  expect([uid, gid]).toEqual([5, 70000]);
});

testUnless(lack)("a killed build of root leaves no mount on the machine", async () => {
  write("    : > /begun\n    while :; do /bin/busybox sleep 1; done\n");
  const child = start([skiffPath, "build", "--force", "x.sif", "x.def"], options);
  const reader = child.stderr.getReader();
  for (let said = ""; !said.includes("+ /bin/busybox sleep"); ) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the build ended early: ${said}`);
    said += new TextDecoder().decode(value);
  }
  const begun = (): string => readFileSync("/proc/self/mountinfo", "utf8");
  expect(begun()).not.toContain(dir);
  child.kill("SIGTERM");
  await child.exited;
  expect(begun()).not.toContain(dir);
  const left = readdirSync(`${dir}/kept/cache/skiff/build`);
  expect(left.filter((name) => name.startsWith("skiff-build-"))).toEqual([]);
});
