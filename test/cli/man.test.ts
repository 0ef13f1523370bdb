import { beforeAll, describe, expect } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "../support/run.ts";
import { scratch } from "../support/scratch.ts";
import { testUnless } from "../support/skip.ts";
import { treeRoot } from "../support/tree.ts";

const dir = scratch("self");
const pages = join(dir, "man/man1");

beforeAll(async () => {
  const argv = [process.execPath, join(treeRoot, "scripts/generate-man.ts"), dir];
  const { code, stderr } = await run(argv, { as: "self", cwd: treeRoot });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
});

describe("the manual pages", () => {
  const lint = Bun.which("mandoc") === null ? "mandoc is not installed" : undefined;
  testUnless(lint)("have nothing that mandoc warns of, but the missing date", async () => {
    const files = readdirSync(pages).map((name) => join(pages, name));
    expect(files.length).toBeGreaterThan(30);
    const { stdout } = await run(["mandoc", "-Tlint", "-W", "warning", ...files], { as: "self" });
    const warnings = stdout
      .split("\n")
      .filter((line) => line !== "" && !line.includes("missing date"));
    expect(warnings).toEqual([]);
  });

  const man = Bun.which("man") === null ? "man is not installed" : undefined;
  testUnless(man)("are shown by man", async () => {
    const { stdout } = await run(["man", "-l", join(pages, "skiff-exec.1")], {
      as: "self",
      extraEnv: { MANPAGER: "cat", MANWIDTH: "80" },
    });
    const text = stdout.replaceAll(/.\x08/g, "");
    expect(text).toContain("skiff-exec - run a command in a container");
    expect(text).toContain("-B, --bind src[:dest[:opts]]");
  });
});
