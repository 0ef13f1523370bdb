import { expect, test } from "bun:test";
import { environmentTable, rawEnvironment } from "./raw-environment.ts";

test("rawEnvironment() holds what the process was started with", async () => {
  const probe = `
    const { rawEnvironment } = await import(${JSON.stringify(`${import.meta.dir}/raw-environment.ts`)});
    console.log(JSON.stringify(rawEnvironment()));
  `;
  const big = "v".repeat(100_000);
  const child = Bun.spawn([process.execPath, "-e", probe], {
    env: { BIG: big, EMPTY: "", ACCENT: "\u00e9" },
    stdout: "pipe",
  });
  const list = JSON.parse(await new Response(child.stdout).text());
  expect(list.sort()).toEqual(["ACCENT=\u00e9", `BIG=${big}`, "EMPTY="]);
  expect(rawEnvironment()?.length).toBeGreaterThan(0);
});

test("environmentTable() takes the first of duplicates and skips what is no variable", () => {
  const table = environmentTable(["A=1", "A=2", "B=", "noequals", "=x", "__proto__=y", "C=a=b"]);
  expect(Object.entries(table)).toEqual([
    ["A", "1"],
    ["B", ""],
    ["__proto__", "y"],
    ["C", "a=b"],
  ]);
});

test("rawArguments() gives the tail of the command line, and nothing when there are not as many", () => {
  const probe = `
    const { rawArguments } = await import(${JSON.stringify(`${import.meta.dir}/raw-environment.ts`)});
    console.log(JSON.stringify([rawArguments(3), rawArguments(100)]));
  `;
  const child = Bun.spawnSync([process.execPath, "-e", probe, "--", "exec", "", "\u00e9"]);
  expect(JSON.parse(child.stdout.toString())).toEqual([["exec", "", "\u00e9"], null]);
});
