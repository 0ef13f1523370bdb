import { expect, test } from "bun:test";
import { userDirectory } from "./user-directory.ts";

test("userDirectory() prefers an override, then HOME, then the account's home", () => {
  const table: readonly [Record<string, string>, string | undefined, string][] = [
    [{ SKIFF_CONFIGDIR: "/s", APPTAINER_CONFIGDIR: "/a", HOME: "/h" }, "/p", "/s"],
    [{ APPTAINER_CONFIGDIR: "conf", SINGULARITY_CONFIGDIR: "/x" }, "/p", "/site/conf"],
    [{ SINGULARITY_CONFIGDIR: "/x", HOME: "/h" }, undefined, "/x"],
    [{ SKIFF_CONFIGDIR: " ", HOME: "/h/" }, "/p", "/h/.skiff"],
    [{ HOME: "relative" }, "/p", "/p/.skiff"],
    [{}, "/p", "/p/.skiff"],
  ];
  for (const [env, accountHome, expected] of table) {
    expect(userDirectory({ env, accountHome, cwd: "/site" })).toBe(expected);
  }
});

test("userDirectory() faults when there is no home at all", () => {
  expect(() => userDirectory({ env: {}, accountHome: undefined, cwd: "/" })).toThrow(
    "Cannot tell the home directory",
  );
});
