import { describe, expect, test } from "bun:test";
import { readOldVerb } from "./old-verb.ts";
import { readProgramName, VERSIONS } from "./program.ts";

test.each([
  ["skiff", "skiff", []],
  ["/usr/bin/apptainer", "apptainer", []],
  ["../x/singularity", "singularity", []],
  ["/usr/bin/run-singularity", "skiff", ["run"]],
  ["singularity-3.8", "skiff", []],
  ["", "skiff", []],
  ["/", "skiff", []],
])("readProgramName(%j) is %s with the words %j", (argv0, program, implied) => {
  expect(readProgramName(argv0)).toEqual({ program: program as "skiff", implied });
});

describe("VERSIONS", () => {
  test("are above every floor that callers ask for", () => {
    expect(Bun.semver.order(VERSIONS.singularity, "3.11.0")).toBeGreaterThanOrEqual(0);
    expect(VERSIONS.singularity).toStartWith("3.");
    expect(Bun.semver.order(VERSIONS.apptainer, "1.0.0")).toBeGreaterThanOrEqual(0);
  });

  test.each(Object.entries(VERSIONS))("%s gives a line that callers can read", (name, version) => {
    const line = `${name} version ${version}`;
    expect(line.split(" ")).toHaveLength(3);
    expect(line).toMatch(/^(.+) version ([0-9]+\.[0-9]+\.[0-9]+)$/);
  });
});

test.each([
  [
    ["instance.start", "a", "b"],
    ["instance", "start", "a", "b"],
  ],
  [
    ["instance.stop", "--all"],
    ["instance", "stop", "--all"],
  ],
  [["instance.list"], ["instance", "list"]],
  [["instance.bogus"], ["instance.bogus"]],
  [
    ["exec", "instance.start"],
    ["exec", "instance.start"],
  ],
  [[], []],
])("readOldVerb(%j) is %j", (words, wanted) => {
  expect(readOldVerb(words)).toEqual({ words: wanted, notices: [] });
});

test("readOldVerb() tells where the words of remote that moved to keyserver are now", () => {
  const { notices, words } = readOldVerb(["remote", "add-keyserver", "-i", "http://keys.example"]);
  expect(words).toEqual(["keyserver", "add", "-i", "http://keys.example"]);
  expect(notices.map(({ text }) => text).join()).toContain("running 'keyserver add'");
  expect(readOldVerb(["remote", "constructor"]).words).toEqual(["remote", "constructor"]);
});
