import { expect, test } from "bun:test";
import { skiff } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";

/** Directories of checkpoints; DMTCP itself is seldom there. */
const dir = scratch();
const checkpoint = (...words: string[]) =>
  skiff(["checkpoint", ...words], { extraEnv: { SKIFF_CONFIGDIR: `${dir}/config` } });

test("checkpoint create, list and delete", async () => {
  expect((await checkpoint("create", "one")).code).toBe(0);
  const again = await checkpoint("create", "one");
  expect([again.code, again.stderr]).toEqual([255, expect.stringContaining("already exists")]);
  expect((await checkpoint("list")).stdout).toContain("NAME\none\n");
  expect((await checkpoint("delete", "one")).code).toBe(0);
  expect((await checkpoint("list")).stdout).toBe("NAME\n");
  const gone = await checkpoint("delete", "one");
  expect([gone.code, gone.stderr]).toEqual([
    255,
    expect.stringContaining('checkpoint "one" not found'),
  ]);
});

test("checkpoint refuses names that lead elsewhere", async () => {
  for (const name of ["../x", "..", ".", "a/b", ""]) {
    expect((await checkpoint("create", name)).code).toBe(255);
  }
});

test("checkpoint instance says what is missing", async () => {
  const done = await checkpoint("instance", "web");
  expect([done.code, done.stderr]).toEqual([255, expect.stringContaining("DMTCP")]);
});
