import { afterAll, expect, test } from "bun:test";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { memorySource } from "../base/byte-source.ts";
import { Fault } from "../base/fault.ts";
import { readSif } from "../format/sif/image.ts";
import type { AddOptions } from "./sif/new-object.ts";
import { sifAdd, sifDel, sifDump, sifHeader, sifInfo, sifList, sifNew, sifSetprim } from "./sif.ts";

const dir = fs.mkdtempSync(`${tmpdir()}/skiff-sif.`);
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));
const fixtures = `${import.meta.dir}/../../test/fixtures/sif`;
const NONE: AddOptions = {
  ...{ datatype: 0, parttype: 0, partfs: 0, partarch: 0, signhash: 0, signentity: "" },
  ...{ sbomformat: "", groupid: 0, link: 0, alignment: undefined, filename: "" },
};
const FINGERPRINT = "12045C8C0B1004D058DE4BEDA20C27EE7FF7BA84";
let count = 0;

function newSif(): string {
  const path = `${dir}/${count++}.sif`;
  sifNew(path);
  return path;
}

function file(content: string | Uint8Array): string {
  const path = `${dir}/${count++}.bin`;
  fs.writeFileSync(path, content);
  return path;
}

function add(
  path: string,
  options: Partial<AddOptions>,
  content: string | Uint8Array = "{}\n",
): void {
  sifAdd(path, file(content), { ...NONE, ...options });
}

function dump(id: string, path: string): Uint8Array {
  const parts: Uint8Array[] = [];
  sifDump(id, path, (bytes) => parts.push(bytes) > 0);
  return new Uint8Array(Buffer.concat(parts));
}

/** The same columns without times and id, which differ from run to run. */
const stable = (text: string): string => text.replace(/^(?: *[A-Z][a-z]+ At|ID): .*\n/gm, "");

test("sifNew() makes an empty image that may be run as a program, in place of what was there", () => {
  const path = newSif();
  expect(fs.statSync(path).size).toBe(32176);
  expect(fs.statSync(path).mode & 0o777).toBe(0o755 & ~process.umask());
  expect(stable(sifHeader(path))).toBe(
    [
      "Version:            01",
      "Descriptors Free:   48",
      "Descriptors Total:  48",
      "Descriptors Offset: 4096",
      "Descriptors Size:   27 KiB",
      "Data Offset:        32176",
      "Data Size:          0 B",
      "",
    ].join("\n"),
  );
  expect(sifHeader(path)).toMatch(/^ID: {17}[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab]/m);
  expect(sifHeader(path)).toMatch(/^Created At: {9}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC$/m);
  const before = sifHeader(path);
  sifNew(path);
  expect(sifHeader(path)).not.toBe(before);
  expect(() => sifNew(`${dir}/none/x.sif`)).toThrow("no such file or directory");
  expect(() => sifNew(dir)).toThrow(dir);
  expect(fs.readdirSync(dir).filter((name) => name.includes(".part"))).toEqual([]);
});

test("sifList() shows every kind of object as the peer does", () => {
  const path = newSif();
  add(path, { datatype: 6 });
  add(path, { datatype: 1, filename: "my.def" }, "Bootstrap: x\n");
  add(path, { datatype: 4, parttype: 1, partfs: 1, partarch: 2 }, new Uint8Array(4096));
  add(path, { datatype: 4, parttype: 2, partfs: 1, partarch: 4 }, new Uint8Array(4096));
  add(path, { datatype: 4, parttype: 3, partfs: 4, partarch: 2, groupid: 2 });
  add(path, { datatype: 5, signhash: 1, signentity: FINGERPRINT, link: 0xf0000001 });
  add(path, { datatype: 9, sbomformat: "cyclonedx-json" });
  add(path, { datatype: 8 });
  add(path, { datatype: 10 });
  add(path, { datatype: 7, groupid: 1, link: 1, alignment: 512 });
  add(path, { datatype: 2, alignment: 100 });
  add(path, { datatype: 3, alignment: -1 });
  expect(sifList(path).split("\n")).toEqual([
    "------------------------------------------------------------------------------",
    "ID   |GROUP   |LINK    |SIF POSITION (start-end)  |TYPE",
    "------------------------------------------------------------------------------",
    "1    |NONE    |NONE    |32176-32179               |JSON.Generic",
    "2    |NONE    |NONE    |32179-32192               |Def.FILE",
    "3    |NONE    |NONE    |32768-36864               |FS (Squashfs/System/amd64)",
    "4    |NONE    |NONE    |36864-40960               |FS (Squashfs/*System/arm64)",
    "5    |2       |NONE    |40960-40963               |FS (Raw/Data/amd64)",
    "6    |NONE    |1   (G) |40963-40966               |Signature (SHA-256)",
    "7    |NONE    |NONE    |40966-40969               |SBOM (cyclonedx-json)",
    "8    |NONE    |NONE    |40969-40972               |Cryptographic Message (Unknown/Unknown)",
    "9    |NONE    |NONE    |40972-40975               |OCI.RootIndex",
    "10   |1       |1       |41472-41475               |Generic/Raw",
    "11   |NONE    |NONE    |41500-41503               |Env.Vars",
    "12   |NONE    |NONE    |41503-41506               |JSON.Labels",
    "",
  ]);
  expect(sifInfo("6", path)).toContain(`  Entity:       ${FINGERPRINT}\n`);
  expect(sifInfo("6", path)).toContain("  Linked ID:    1 (G)\n");
  expect(sifInfo("9", path)).toContain(
    "  Digest:       sha256:ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356\n",
  );
  expect(sifInfo("2", path)).toContain("  Name:         my.def\n");
  expect(stable(sifInfo("3", path)).split("\n")).toEqual([
    "  Data Type:        FS",
    "  ID:               3",
    "  Group ID:         NONE",
    "  Linked ID:        NONE",
    "  Offset:           32768",
    "  Size:             4096",
    "  Filesystem Type:  Squashfs",
    "  Partition Type:   System",
    "  Architecture:     amd64",
    "",
  ]);
  expect(Buffer.from(dump("2", path)).toString()).toBe("Bootstrap: x\n");
});

test("sifDump() streams objects larger than one piece and stops when told", () => {
  const path = newSif();
  const big = new Uint8Array(2_500_000).map((_, i) => i % 251);
  add(path, { datatype: 7 }, big);
  expect(Buffer.from(dump("1", path)).equals(Buffer.from(big))).toBe(true);
  let pieces = 0;
  sifDump("1", path, () => ++pieces < 2);
  expect(pieces).toBe(2);
});

test("sifSetprim() and sifDel() change the image in place and leave the rest alone", () => {
  const path = `${dir}/two.sif`;
  fs.copyFileSync(`${fixtures}/two-groups.sif`, path);
  const inode = fs.statSync(path).ino;
  sifSetprim("3", path);
  expect(sifList(path)).toContain("FS (Ext3/*System/amd64)");
  expect(sifList(path)).toContain("FS (Squashfs/System/386)");
  expect(sifHeader(path)).toContain("Primary Architecture: amd64\n");
  sifDel("3", path);
  expect(sifHeader(path)).not.toContain("Primary Architecture");
  expect(sifList(path)).not.toContain("Ext3");
  expect(fs.statSync(path).ino).toBe(inode);
  expect(fs.statSync(path).size).toBe(303104);
  const bytes = fs.readFileSync(path);
  const original = fs.readFileSync(`${fixtures}/two-groups.sif`);
  expect(bytes.subarray(32176).equals(original.subarray(32176))).toBe(true);
});

test("showing an image with control characters in its texts keeps them from the terminal", () => {
  const path = newSif();
  add(path, { datatype: 7, filename: "a\u001b[31mb\nc" });
  expect(sifInfo("1", path)).toContain("a\\x1b[31mb\\x0ac\n");
});

const OBJECT_FAULTS: readonly (readonly [Partial<AddOptions>, string])[] = [
  [{}, "-datatype flag is required with a valid range"],
  [{ datatype: 12 }, "-datatype flag is required with a valid range"],
  [{ datatype: 4 }, "with partition datatype, --partfs, --parttype and --partarch must be passed"],
  [{ datatype: 4, partfs: 1, parttype: 1, partarch: 99 }, "unknown architecture"],
  [{ datatype: 5, signhash: 1 }, "invalid signing entity fingerprint length: got 0, want 20"],
  [{ datatype: 5, signhash: 1, signentity: "zz" }, "failed to decode signing entity fingerprint"],
  [{ datatype: 5, signentity: FINGERPRINT }, "invalid hash type: 0"],
  [{ datatype: 9 }, "with SBOM datatype, --sbomformat must be passed"],
  [{ datatype: 9, sbomformat: "nope" }, "invalid SBOM format: nope"],
  [{ datatype: 7, filename: "n".repeat(200) }, "name value too large"],
  [{ datatype: 7, groupid: -1 }, "not a 32 bit number"],
  [{ datatype: 7, link: 2 ** 32 }, "not a 32 bit number"],
];

test.each(OBJECT_FAULTS)("sifAdd() with %j is refused: %s", (options, message) => {
  const path = newSif();
  const before = fs.readFileSync(path);
  expect(() => add(path, options)).toThrow(message);
  expect(fs.readFileSync(path).equals(before)).toBe(true);
});

test("every command says what it cannot open or find", () => {
  const path = newSif();
  const object = file("x");
  const missing = `${dir}/missing`;
  for (const act of [
    () => sifHeader(missing),
    () => sifList(missing),
    () => sifInfo("1", missing),
    () => sifDel("1", missing),
    () => sifAdd(missing, object, { ...NONE, datatype: 7 }),
    () => sifAdd(path, missing, { ...NONE, datatype: 7 }),
  ]) {
    expect(act).toThrow(`open ${missing}: no such file or directory`);
  }
  expect(() => sifAdd(path, dir, { ...NONE, datatype: 7 })).toThrow("is a directory");
  expect(() => sifList(object)).toThrow(Fault);
  for (const act of [sifInfo, sifDel, sifSetprim]) {
    expect(() => act("7", path)).toThrow("object not found");
    expect(() => act("x", path)).toThrow("while converting id");
    expect(() => act("0", path)).toThrow("invalid object ID");
    expect(() => act("99999999999", path)).toThrow("out of range");
  }
  expect(() => dump("7", path)).toThrow("object not found");
});

test("sifAdd() stops at a full table and leaves the image as it was", () => {
  const path = newSif();
  for (let i = 0; i < 48; i++) add(path, { datatype: 7 }, "x");
  const before = fs.readFileSync(path);
  expect(() => add(path, { datatype: 7 }, "y")).toThrow("insufficient descriptor capacity");
  expect(fs.readFileSync(path).equals(before)).toBe(true);
  expect(readSif(memorySource(new Uint8Array(before))).objects.length).toBe(48);
});

test("sifAdd() that runs out of room leaves the image byte for byte as it was", () => {
  const path = newSif();
  add(path, { datatype: 7 }, "first");
  const before = fs.readFileSync(path);
  const object = file(new Uint8Array(1_000_000).fill(1));
  const script = `
    const { sifAdd } = await import(${JSON.stringify(`${import.meta.dir}/sif.ts`)});
    try { sifAdd(${JSON.stringify(path)}, ${JSON.stringify(object)}, ${JSON.stringify({ ...NONE, datatype: 7 })}); }
    catch (error) { console.log(error.code, error.message); }
  `;
  // Blocks of 512 or 1024 bytes: more than the image has, less than it would need.
  const limited = ["sh", "-c", 'ulimit -f 200; "$0" -e "$1"', process.execPath, script];
  const out = Bun.spawnSync(limited).stdout.toString();
  expect(out).toBe(`io write ${path}: file too large\n`);
  expect(fs.readFileSync(path).equals(before)).toBe(true);
});

test("two processes that add at once both keep the image whole, or one is told to wait", async () => {
  const path = newSif();
  const object = file("content");
  const script = `
    const { sifAdd } = await import(${JSON.stringify(`${import.meta.dir}/sif.ts`)});
    let added = 0;
    for (let i = 0; i < 10; i++) {
      try { sifAdd(${JSON.stringify(path)}, ${JSON.stringify(object)}, ${JSON.stringify({ ...NONE, datatype: 7 })}); added++; }
      catch (error) { if (!error.message.includes("another process")) throw error; }
    }
    console.log(added);
  `;
  const children = [1, 2].map(() =>
    Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" }),
  );
  const sums = await Promise.all(
    children.map(async (c) => Number(await new Response(c.stdout).text())),
  );
  const objects = readSif(memorySource(new Uint8Array(fs.readFileSync(path)))).objects;
  expect(objects.length).toBe(sums.reduce((a, b) => a + b, 0));
  expect(objects.length).toBeGreaterThan(0);
});
