import { afterAll, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import { hostFiles, isDirectory, realPath, statFollow } from "./host-files.ts";

const dir = fs.realpathSync(fs.mkdtempSync(`${os.tmpdir()}/skiff-files-`));
fs.mkdirSync(`${dir}/a/b`, { recursive: true });
fs.writeFileSync(`${dir}/a/file`, "content");
fs.writeFileSync(`${dir}/empty`, "");
fs.symlinkSync("a/file", `${dir}/link`);
fs.symlinkSync("loop", `${dir}/loop`);
fs.symlinkSync("/nowhere", `${dir}/broken`);
Bun.spawnSync(["mkfifo", `${dir}/fifo`]);
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));
const view = hostFiles(dir);
const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : new TextDecoder().decode(bytes);

test("lstat() tells kinds and link texts, and does not follow the last part", () => {
  expect(view.lstat("/a")?.kind).toBe("dir");
  expect(view.lstat("/link")).toMatchObject({
    kind: "symlink",
    link: "a/file",
  });
  expect(view.lstat("/broken")?.link).toBe("/nowhere");
  expect(view.lstat("/fifo")?.kind).toBe("fifo");
  expect(view.lstat("/missing")).toBeUndefined();
  expect(view.lstat("/a/file")?.id).toBe(statFollow(`${dir}/link`)?.id ?? "none");
});

test("list() sorts names and gives nothing for a file", () => {
  expect(view.list("/")).toEqual(["a", "broken", "empty", "fifo", "link", "loop"]);
  expect(view.list("/a/b")).toEqual([]);
  expect(view.list("/empty")).toBeUndefined();
});

test("read() gives content up to the limit and only of regular files", () => {
  expect(text(view.read("/a/file"))).toBe("content");
  expect(text(view.read("/a/file", 7))).toBe("content");
  expect(view.read("/a/file", 6)).toBeUndefined();
  expect(text(view.read("/empty"))).toBe("");
  expect(view.read("/a")).toBeUndefined();
  expect(view.read("/link")).toBeUndefined();
  expect(view.read("/fifo")).toBeUndefined();
  expect(text(hostFiles().read("/proc/self/status"))).toContain("Name:");
  const maps = hostFiles().read("/proc/self/smaps");
  expect(maps?.length).toBeGreaterThan(4096);
});

test("realPath() follows links as the kernel does", () => {
  expect(realPath(`${dir}/link`)).toBe(`${dir}/a/file`);
  expect(realPath(`${dir}/a/../a/b/.`)).toBe(`${dir}/a/b`);
  expect(realPath(`${dir}/loop`)).toBeUndefined();
  expect(realPath(`${dir}/broken`)).toBeUndefined();
  expect(realPath("/")).toBe("/");
  fs.writeFileSync(`${dir}/x (deleted)`, "");
  expect(realPath(`${dir}/x (deleted)`)).toBe(`${dir}/x (deleted)`);
  fs.rmSync(`${dir}/x (deleted)`);
});

test("statFollow() and isDirectory() follow links", () => {
  expect(statFollow(`${dir}/link`)?.kind).toBe("file");
  expect(statFollow(`${dir}/broken`)).toBeUndefined();
  expect(isDirectory(`${dir}/a`)).toBe(true);
  expect(isDirectory(`${dir}/link`)).toBe(false);
});
