import { expect } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { noTool, noUserNamespaces } from "../support/host-lacks.ts";
import { run, skiff, start } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { firstReason, testUnless } from "../support/skip.ts";
import { skiffPath } from "../support/tree.ts";
import { writeDefinition } from "./base-definition.ts";

const dir = scratch();
const lack = firstReason(noUserNamespaces(), noTool("mksquashfs"));

/** Starts a build that waits in %post, and resolves when it does. */
async function startWaiting(temporary: string): Promise<ReturnType<typeof start>> {
  mkdirSync(temporary, { recursive: true });
  await run(["chown", "--reference", dir, temporary], { as: "self" });
  writeDefinition(
    dir,
    "wait.def",
    "%post\n    : > /x\n    while :; do read -t 1 </dev/zero || :; done\n",
  );
  const child = start(
    [skiffPath, "build", "--force", "--tmpdir", temporary, "wait.sif", "wait.def"],
    {
      cwd: dir,
    },
  );
  const reader = child.stderr.getReader();
  let said = "";
  while (!said.includes("+ :")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the build ended early: ${said}`);
    said += new TextDecoder().decode(value);
  }
  reader.releaseLock();
  return child;
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  testUnless(lack)(`${signal} ends the build within a second and leaves nothing`, async () => {
    const temporary = `${dir}/${signal}`;
    const child = await startWaiting(temporary);
    child.kill(signal);
    expect(await child.exited).toBe(1);
    expect(readdirSync(temporary)).toEqual([]);
    expect(readdirSync(dir).filter((name) => name.includes("wait.sif"))).toEqual([]);
  });
}

testUnless(lack)("what SIGKILL leaves is removed by the next build", async () => {
  const temporary = `${dir}/killed`;
  const child = await startWaiting(temporary);
  child.kill("SIGKILL");
  await child.exited;
  expect(readdirSync(temporary)).toHaveLength(1);
  writeDefinition(dir, "next.def", "");
  const built = await skiff(["build", "--force", "--tmpdir", temporary, "next.sif", "next.def"], {
    cwd: dir,
  });
  expect(built.code).toBe(0);
  expect(readdirSync(temporary)).toEqual([]);
});
