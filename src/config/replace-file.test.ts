import { afterAll, expect, test } from "bun:test";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { replaceFile } from "./replace-file.ts";

const top = mkdtempSync(`${tmpdir()}/skiff-replace-`);
afterAll(() => rmSync(top, { recursive: true }));

test("replaceFile() keeps the mode, follows a link and leaves nothing beside", () => {
  writeFileSync(`${top}/real`, "old", { mode: 0o640 });
  symlinkSync("real", `${top}/link`);
  const inode = statSync(`${top}/real`).ino;
  replaceFile(`${top}/link`, "new\n");
  expect(readFileSync(`${top}/real`, "utf8")).toBe("new\n");
  expect(readlinkSync(`${top}/link`)).toBe("real");
  expect(statSync(`${top}/real`).mode & 0o777).toBe(0o640);
  expect(statSync(`${top}/real`).ino).not.toBe(inode);
  expect(readdirSync(top).sort()).toEqual(["link", "real"]);
});

test("replaceFile() makes a new file with its directory", () => {
  replaceFile(`${top}/a/b/new`, "x", 0o600);
  expect(statSync(`${top}/a/b/new`).mode & 0o777).toBe(0o600);
  expect(statSync(`${top}/a/b`).mode & 0o777).toBe(0o700);
  rmSync(`${top}/a`, { recursive: true });
});

test("replaceFile() faults where nothing can be written, and leaves the old file", () => {
  expect(() => replaceFile("/proc/version", "x")).toThrow('Cannot write "/proc/version"');
});
