import { afterAll, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as sys from "./syscall.ts";
import {
  lgetxattr,
  listDir,
  lstat,
  memfdCreate,
  readlink,
  sealMemfd,
  setCloseOnExec,
  stat,
} from "./syscall.ts";

const dir = fs.mkdtempSync(`${os.tmpdir()}/skiff-syscall-`);
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));
fs.writeFileSync(`${dir}/file`, "hello world");
fs.symlinkSync("file", `${dir}/link`);
fs.mkdirSync(`${dir}/sub`);

test("open(), write(), pread(), read() and close() work on a real file", () => {
  const path = `${dir}/made`;
  const fd = sys.open(path, sys.O_RDWR | sys.O_CREAT | sys.O_EXCL, 0o640);
  expect(fd).toBeGreaterThan(2);
  expect(sys.write(fd, new TextEncoder().encode("hello world"))).toBe(11);
  const back = new Uint8Array(5);
  expect(sys.pread(fd, back, 6)).toBe(5);
  expect(new TextDecoder().decode(back)).toBe("world");
  expect(sys.read(fd, back)).toBe(0);
  expect(sys.read(fd, new Uint8Array(0))).toBe(0);
  expect(sys.fstat(fd)?.sizeBytes).toBe(11);
  expect(sys.close(fd)).toBe(0);
  expect(sys.close(fd)).toBe(-9);
});

test("open() gives minus the errno and lastErrno() repeats it", () => {
  expect(sys.open(`${dir}/missing`, sys.O_RDONLY)).toBe(-2);
  expect(sys.lastErrno()).toBe(2);
  expect(sys.open(`${dir}/file`, sys.O_RDONLY | sys.O_DIRECTORY)).toBe(-20);
  expect(sys.open("a\0b", sys.O_RDONLY)).toBe(-22);
  expect(sys.open("x".repeat(5000), sys.O_RDONLY)).toBe(-36);
  expect(sys.open("x".repeat(4096), sys.O_RDONLY)).toBe(-36);
  expect(sys.open(`/${"./".repeat(2046)}etc`, sys.O_RDONLY)).toBe(-36);
});

test("pread() reaches offsets above 4 GiB exactly", () => {
  const path = `${dir}/sparse`;
  const at = 5 * 2 ** 30 + 1;
  const fd = sys.open(path, sys.O_RDWR | sys.O_CREAT, 0o600);
  expect(sys.pwrite(fd, Uint8Array.of(7), at)).toBe(1);
  const one = new Uint8Array(1);
  expect(sys.pread(fd, one, at)).toBe(1);
  expect(one[0]).toBe(7);
  expect(sys.fstat(fd)?.sizeBytes).toBe(at + 1);
  expect(sys.ftruncate(fd, 0)).toBe(0);
  sys.close(fd);
});

test("stat() and lstat() agree with node:fs on every kind of file", () => {
  for (const path of [`${dir}/file`, `${dir}/link`, `${dir}/sub`, "/dev/null", "/proc/self"]) {
    for (const [ours, theirs] of [
      [stat(path), fs.statSync(path)],
      [lstat(path), fs.lstatSync(path)],
    ] as const) {
      expect(ours?.mode).toBe(theirs.mode & 0o7777);
      expect(ours?.uid).toBe(theirs.uid);
      expect(ours?.gid).toBe(theirs.gid);
      expect(ours?.sizeBytes).toBe(theirs.size);
      expect(ours?.kind === "dir").toBe(theirs.isDirectory());
      expect(ours?.kind === "file").toBe(theirs.isFile());
      expect(ours?.kind === "symlink").toBe(theirs.isSymbolicLink());
      expect(ours?.kind === "char").toBe(theirs.isCharacterDevice());
      expect(ours?.links).toBe(theirs.nlink);
      expect(ours?.id.split(":")[2]).toBe(String(theirs.ino));
    }
  }
  expect(stat("/dev/null")?.special).toBe("1:3");
  expect(readlink(`${dir}/link`)).toBe("file");
  expect(readlink(`${dir}/file`)).toBeUndefined();
  expect(stat(`${dir}/none`)).toBeUndefined();
});

test("listDir() gives every name with its kind, in directories longer than one buffer", () => {
  fs.mkdirSync(`${dir}/many`);
  const names = Array.from({ length: 1500 }, (_, i) => `${i}-${"n".repeat(60)}`);
  for (const name of names) fs.writeFileSync(`${dir}/many/${name}`, "");
  const listed = listDir(`${dir}/many`);
  expect(listed?.map((e) => e.name).sort()).toEqual(names.sort());
  expect(new Set(listed?.map((e) => e.kind))).toEqual(new Set(["file"]));
  expect(listDir(`${dir}/file`)).toBeUndefined();
  expect(listDir(dir)?.find((e) => e.name === "link")?.kind).toBe("symlink");
});

test("names that are not UTF-8 can be listed and opened again", () => {
  const raw = Buffer.concat([Buffer.from(`${dir}/caf`), Buffer.of(0xe9)]);
  fs.writeFileSync(raw, "x");
  const name = listDir(dir)?.find((e) => e.name.startsWith("caf"))?.name;
  expect(name).toBe("caf\udce9");
  expect(stat(`${dir}/${name}`)?.sizeBytes).toBe(1);
});

test("mkdir(), rmdir(), unlink() and access() act and report", () => {
  expect(sys.mkdir(`${dir}/new`, 0o700)).toBe(0);
  expect(sys.mkdir(`${dir}/new`, 0o700)).toBe(-17);
  expect(sys.access(`${dir}/new`, sys.W_OK)).toBe(0);
  expect(sys.unlink(`${dir}/new`)).toBe(-21);
  expect(sys.rmdir(`${dir}/new`)).toBe(0);
  expect(sys.access(`${dir}/new`, sys.F_OK)).toBe(-2);
});

test("a sealed memfd can be read and no longer written", () => {
  const fd = memfdCreate("starter");
  expect(sys.write(fd, Uint8Array.of(1, 2, 3))).toBe(3);
  expect(sealMemfd(fd)).toBe(0);
  expect(sys.write(fd, Uint8Array.of(4))).toBe(-1);
  expect(sys.pread(fd, new Uint8Array(8), 0)).toBe(3);
  expect(fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8")).toMatch(/flags:\s+02/);
  setCloseOnExec(fd, false);
  expect(fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8")).toMatch(/flags:\s+0[^2]/);
  sys.close(fd);
});

test("flock() sees a lock that another descriptor holds", () => {
  const a = sys.open(`${dir}/file`, sys.O_RDONLY);
  const b = sys.open(`${dir}/file`, sys.O_RDONLY);
  expect(sys.flock(a, 2 | 4)).toBe(0);
  expect(sys.flock(b, 2 | 4)).toBe(-11);
  sys.close(a);
  expect(sys.flock(b, 2 | 4)).toBe(0);
  sys.close(b);
});

test("lgetxattr() gives nothing for an attribute that is not there", () => {
  expect(lgetxattr(`${dir}/file`, "user.none")).toBeUndefined();
});
