import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { Fault } from "../../base/fault.ts";
import { withClaim } from "./claim.ts";

const roots: string[] = [];
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

function newRoot(): string {
  const root = mkdtempSync(`${tmpdir()}/skiff-claims-`);
  roots.push(root);
  return root;
}

test("withClaim() lets one of many work and gives its result to all", async () => {
  const root = newRoot();
  let works = 0;
  let entry: string | undefined;
  const one = () =>
    withClaim({
      folder: `${root}/claims`,
      name: "x",
      find: () => entry,
      work: async () => {
        works += 1;
        await Bun.sleep(30);
        entry = "made";
        return entry;
      },
    });
  expect(await Promise.all(Array.from({ length: 20 }, one))).toEqual(Array(20).fill("made"));
  expect(works).toBe(1);
});

test("withClaim() passes over a claim that nobody touches, and one that is waited for too long", async () => {
  for (const options of [{ staleMs: 30 }, { limitMs: 30 }]) {
    const root = newRoot();
    mkdirSync(`${root}/claims`);
    writeFileSync(`${root}/claims/x`, "elsewhere/1-x\nnode7\n5\n10\n");
    const seen: unknown[] = [];
    const result = await withClaim({
      folder: `${root}/claims`,
      name: "x",
      find: () => undefined,
      work: async () => "worked",
      onWait: (state) => seen.push(state),
      ...options,
    });
    expect(result).toBe("worked");
    expect(seen[0]).toEqual({ host: "node7", pid: 1, done: 5, total: 10 });
  }
});

test("withClaim() hands the work on when it fails, and works where no claim can be made", async () => {
  const root = newRoot();
  let calls = 0;
  const one = () =>
    withClaim({
      folder: `${root}/claims`,
      name: "x",
      find: () => undefined,
      work: async () => {
        calls += 1;
        await Bun.sleep(5);
        throw new Fault("io", "no");
      },
    });
  const results = await Promise.allSettled([one(), one(), one()]);
  expect(results.map((result) => result.status)).toEqual(Array(3).fill("rejected"));
  expect(calls).toBe(3);
  writeFileSync(`${root}/file`, "");
  const folder = `${root}/file/claims`;
  expect(await withClaim({ folder, name: "x", find: () => undefined, work: async () => 7 })).toBe(
    7,
  );
});
