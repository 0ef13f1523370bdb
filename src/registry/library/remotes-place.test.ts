import { expect, test } from "bun:test";
import { remotesFile } from "./remotes-place.ts";

const inputs = {
  env: {},
  home: "/home/a",
  userDirectory: "/home/a/.skiff",
  program: "skiff",
} as const;
const having =
  (...paths: string[]) =>
  (path: string): boolean =>
    paths.includes(path);

test.each([
  ["skiff", "/home/a/.skiff/remote.yaml"],
  ["apptainer", "/home/a/.apptainer/remote.yaml"],
  ["singularity", "/home/a/.apptainer/remote.yaml"],
] as const)("remotesFile() without any list is, for %s, %s", (program, file) => {
  expect(remotesFile({ ...inputs, program, hasContent: having() })).toBe(file);
});

test("remotesFile() is the list that is there, the program's own first", () => {
  const [own, apptainer, singularity] = [".skiff", ".apptainer", ".singularity"].map(
    (folder) => `/home/a/${folder}/remote.yaml`,
  ) as [string, string, string];
  expect(remotesFile({ ...inputs, hasContent: having(singularity) })).toBe(singularity);
  expect(remotesFile({ ...inputs, hasContent: having(own, apptainer) })).toBe(own);
  const peer = { ...inputs, program: "apptainer" } as const;
  expect(remotesFile({ ...peer, hasContent: having(own, apptainer) })).toBe(apptainer);
  expect(remotesFile({ ...peer, hasContent: having(own) })).toBe(own);
});

test("remotesFile() lies where CONFIGDIR points to", () => {
  const moved = {
    ...inputs,
    program: "apptainer",
    env: { APPTAINER_CONFIGDIR: "/conf" },
    userDirectory: "/conf",
  } as const;
  expect(remotesFile({ ...moved, hasContent: () => true })).toBe("/conf/remote.yaml");
});
