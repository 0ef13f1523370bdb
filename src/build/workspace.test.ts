import { expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { removeTree } from "./remove-tree.ts";
import { openWorkspace, sweepWorkspaces } from "./workspace.ts";

function inFolder(body: (folder: string) => void): void {
  const folder = mkdtempSync(`${tmpdir()}/skiff-test-`);
  try {
    body(folder);
  } finally {
    removeTree(folder);
  }
}

test("a workspace lives while it is open and is gone when removed, closed directories included", () => {
  inFolder((folder) => {
    const space = openWorkspace(folder);
    mkdirSync(`${space.folder("0")}/shut`);
    writeFileSync(`${space.path}/0/shut/file`, "");
    chmodSync(`${space.path}/0/shut`, 0);
    sweepWorkspaces(folder);
    expect(existsSync(`${space.path}/0/shut`)).toBe(true);
    space.remove();
    expect(readdirSync(folder)).toEqual([]);
  });
});

test("sweeping removes what a dead build left and nothing else", () => {
  inFolder((folder) => {
    for (const name of [
      "skiff-build-dead",
      "skiff-build-young",
      "skiff-build-old",
      "build-temp-1",
    ]) {
      mkdirSync(`${folder}/${name}`);
    }
    writeFileSync(`${folder}/skiff-build-dead/lock`, "");
    writeFileSync(`${folder}/build-temp-1/lock`, "");
    utimesSync(`${folder}/skiff-build-old`, 1, 1);
    sweepWorkspaces(folder);
    expect(readdirSync(folder).sort()).toEqual(["build-temp-1", "skiff-build-young"]);
  });
});
