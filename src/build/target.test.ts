import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { checkTarget } from "./target.ts";

let base = "";

beforeAll(() => {
  base = mkdtempSync(`${tmpdir()}/skiff-test-`);
  writeFileSync(`${base}/file`, "");
  mkdirSync(`${base}/empty`);
  mkdirSync(`${base}/other/x`, { recursive: true });
  for (const name of [".singularity.d", "dev", "proc", "sys"])
    mkdirSync(`${base}/box/${name}`, { recursive: true });
});

afterAll(() => rmSync(base, { recursive: true }));

const check = (name: string, flags: string, answer?: boolean): boolean =>
  checkTarget({
    path: `${base}/${name}`,
    sandbox: flags.includes("s"),
    update: flags.includes("u"),
    force: flags.includes("F"),
    ask: answer === undefined ? undefined : () => answer,
  });

test.each([
  ["new", "", undefined, false],
  ["new", "s", undefined, false],
  ["file", "F", undefined, true],
  ["file", "", true, true],
  ["other", "sF", undefined, true],
  ["box", "su", undefined, true],
  ["empty", "su", undefined, true],
] as const)(
  "target %s with flags %j and answer %j may be written",
  (name, flags, answer, replaces) => {
    expect(check(name, flags, answer)).toBe(replaces);
  },
);

test.each([
  [
    "file",
    "",
    undefined,
    "build target 'file' already exists. Use --force if you want to overwrite it",
  ],
  ["file", "", false, "stopping build"],
  ["box", "s", undefined, "build target 'box' already exists"],
  [
    "other",
    "s",
    true,
    "is not empty and is not an Apptainer sandbox, check its content first and use --force",
  ],
  ["other", "su", undefined, "is not empty and is not an Apptainer sandbox"],
  ["box", "u", undefined, "only sandbox update is supported: --sandbox flag is missing"],
  ["file", "su", undefined, "is not a directory"],
  ["new", "su", undefined, "no such directory"],
] as const)(
  "target %s with flags %j and answer %j is refused: %s",
  (name, flags, answer, phrase) => {
    expect(() => check(name, flags, answer)).toThrow(phrase);
  },
);
