import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import fc from "fast-check";
import { type ElfFacts, elfFacts } from "./elf-facts.ts";
import { definedGlibc, neededGlibc } from "./glibc-version.ts";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(`${tmpdir()}/skiff-elf-`);
});
afterAll(() => rmSync(directory, { recursive: true }));

function compile(name: string, source: string, ...flags: readonly string[]): string {
  const path = `${directory}/${name}`;
  writeFileSync(`${path}.c`, source);
  const built = Bun.spawnSync(["gcc", "-o", path, `${path}.c`, ...flags]);
  if (built.exitCode !== 0) throw new Error(built.stderr.toString());
  return path;
}

function facts(bytes: Uint8Array): ElfFacts | undefined {
  return elfFacts((offset, length) => bytes.subarray(offset, offset + length));
}

test("elfFacts() reads name, needed and defined versions of a shared library", () => {
  writeFileSync(
    `${directory}/v.map`,
    "GLIBC_2.3 { one; };\nGLIBC_2.77 { two; };\nGLIBC_PRIVATE { three; };\n",
  );
  const libc = compile(
    "libc.so.6",
    "int one, two, three;",
    "-shared",
    "-nostdlib",
    "-Wl,-soname,libc.so.6",
    `-Wl,--version-script=${directory}/v.map`,
  );
  const offered = facts(readFileSync(libc));
  expect(offered).toMatchObject({
    soname: "libc.so.6",
    needs: [],
    defines: ["libc.so.6", "GLIBC_2.3", "GLIBC_2.77", "GLIBC_PRIVATE"],
  });
  expect(definedGlibc(offered ?? { defines: [] })).toEqual([2, 77]);

  const user = compile(
    "libuser.so",
    "extern int one, two; int sum(void) { return one + two; }",
    "-shared",
    "-nostdlib",
    "-fPIC",
    "-Wl,-soname,libuser.so.1",
    libc,
  );
  const asking = facts(readFileSync(user));
  expect(asking?.soname).toBe("libuser.so.1");
  expect([...(asking?.needs ?? [])].sort((a, b) => a.version.localeCompare(b.version))).toEqual([
    { file: "libc.so.6", version: "GLIBC_2.3" },
    { file: "libc.so.6", version: "GLIBC_2.77" },
  ]);
  expect(neededGlibc(asking ?? { needs: [] })).toEqual([2, 77]);
});

test("elfFacts() does without section headers", () => {
  const path = compile("stripped", "int main(void) { return 0; }");
  const before = facts(readFileSync(path));
  const bytes = readFileSync(path);
  bytes.fill(0, 40, 48);
  bytes.fill(0, 58, 64);
  expect(before?.needs.length).toBeGreaterThan(0);
  expect(facts(bytes)).toEqual(before);
});

test("elfFacts() gives a static program no needs, and undefined for what is no ELF file", () => {
  const path = compile("static", "int main(void) { return 0; }", "-static");
  const found = facts(readFileSync(path));
  expect(found).toMatchObject({ soname: undefined, needs: [], defines: [] });
  expect(neededGlibc(found ?? { needs: [] })).toBeUndefined();
  for (const text of ["", "\x7fEL", "#!/bin/sh\n"]) {
    expect(facts(new TextEncoder().encode(text))).toBeUndefined();
  }
});

test("elfFacts() ends and does not throw on damaged files", () => {
  const valid = readFileSync(compile("victim", "int main(void) { return 0; }"));
  const edit = fc.tuple(fc.nat(4096), fc.nat(255));
  fc.assert(
    fc.property(
      fc.array(edit, { minLength: 1, maxLength: 40 }),
      fc.nat(valid.length),
      (edits, length) => {
        const bytes = new Uint8Array(valid.subarray(0, length));
        for (const [at, value] of edits) if (at < length) bytes[at] = value;
        const found = facts(bytes);
        expect(found === undefined || found.needs.length < 10_000).toBe(true);
      },
    ),
  );
});
