import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { parseLdCache, parseLdconfigOutput } from "./parse.ts";

interface Row {
  readonly name: string;
  readonly path: string;
  readonly hwcap?: bigint;
}

/** The bytes of the drawing in parse.ts. */
function cacheBytes(
  rows: readonly Row[],
  order: "little" | "big" = "little",
  old = false,
): Uint8Array {
  const little = order === "little";
  const strings = rows.flatMap((row) => [row.name, row.path]);
  const table = 48 + rows.length * 24;
  const body = Buffer.from(strings.map((text) => `${text}\0`).join(""), "latin1");
  const bytes = new Uint8Array(table + body.length);
  const view = new DataView(bytes.buffer);
  bytes.set(Buffer.from("glibc-ld.so.cache1.1"));
  view.setUint32(20, rows.length, little);
  view.setUint32(24, body.length, little);
  view.setUint8(28, little ? 2 : 3);
  let at = table;
  for (const [i, row] of rows.entries()) {
    const entry = 48 + i * 24;
    view.setInt32(entry, 0x303, little);
    view.setUint32(entry + 4, at, little);
    view.setUint32(entry + 8, at + row.name.length + 1, little);
    view.setBigUint64(entry + 16, row.hwcap ?? 0n, little);
    at += row.name.length + row.path.length + 2;
  }
  bytes.set(body, table);
  if (!old) return bytes;
  const front = new Uint8Array(16 + 3 * 12 + 4);
  front.set(Buffer.from("ld.so-1.7.0"));
  new DataView(front.buffer).setUint32(12, 3, little);
  return Buffer.concat([front, bytes]);
}

const ROWS: readonly Row[] = [
  { name: "libcuda.so.1", path: "/usr/lib64/libcuda.so.1" },
  { name: "libcuda.so.1", path: "/usr/lib/libcuda.so.1" },
  { name: "libz.so.1", path: "/usr/lib64/glibc-hwcaps/x86-64-v3/libz.so.1", hwcap: 1n << 62n },
];
const EXPECTED = ROWS.map(({ name, path, hwcap }) => ({
  name,
  path,
  special: hwcap !== undefined,
}));

test("parseLdCache() reads both byte orders, and a cache with the old form in front", () => {
  for (const order of ["little", "big"] as const) {
    expect(parseLdCache(cacheBytes(ROWS, order))).toEqual(EXPECTED);
    expect(parseLdCache(cacheBytes(ROWS, order, true))).toEqual(EXPECTED);
  }
  expect(parseLdCache(cacheBytes([]))).toEqual([]);
});

test("parseLdCache() refuses other data and counts that do not fit", () => {
  expect(parseLdCache(new Uint8Array(0))).toBeUndefined();
  expect(
    parseLdCache(new TextEncoder().encode("something else entirely, long enough for a header")),
  ).toBeUndefined();
  const bytes = cacheBytes(ROWS);
  new DataView(bytes.buffer).setUint32(20, 0xffffffff, true);
  expect(parseLdCache(bytes)).toBeUndefined();
  expect(parseLdCache(cacheBytes(ROWS).subarray(0, 60))).toBeUndefined();
});

test("parseLdCache() leaves out entries whose strings lie outside", () => {
  const bytes = cacheBytes(ROWS);
  new DataView(bytes.buffer).setUint32(48 + 8, 0xfffffff0, true);
  expect(parseLdCache(bytes)?.length).toBe(2);
});

test("parseLdCache() takes any bytes without throwing", () => {
  const valid = cacheBytes(ROWS, "little", true);
  const edit = fc.tuple(fc.nat(valid.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 12 }), fc.nat(valid.length), (edits, length) => {
      const bytes = valid.slice(0, length);
      for (const [at, value] of edits) if (at < length) bytes[at] = value;
      for (const row of parseLdCache(bytes) ?? []) expect(row.path.startsWith("/")).toBe(true);
    }),
  );
});

test("parseLdconfigOutput() reads name and path of each line", () => {
  const text =
    "2 libs found in cache `/etc/ld.so.cache'\n\tlibz.so.1 (libc6,x86-64) => /lib/libz.so.1\n" +
    '\tlibm.so.6 (libc6,x86-64, hwcap: "x86-64-v3", OS ABI: Linux 3.2.0) => /opt/a b/libm.so.6\n\todd\n';
  expect(parseLdconfigOutput(text)).toEqual([
    { name: "libz.so.1", path: "/lib/libz.so.1", special: false },
    { name: "libm.so.6", path: "/opt/a b/libm.so.6", special: true },
  ]);
});

test.skipIf(!existsSync("/etc/ld.so.cache") || !existsSync("/usr/sbin/ldconfig"))(
  "parseLdCache() gives this machine's cache as ldconfig prints it",
  () => {
    const printed = Bun.spawnSync(["/usr/sbin/ldconfig", "-p"]).stdout.toString();
    const cached = parseLdCache(readFileSync("/etc/ld.so.cache")) ?? [];
    expect(cached.length).toBeGreaterThan(0);
    expect(cached).toEqual([...parseLdconfigOutput(printed)]);
  },
);
