import { afterAll, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { Fault } from "../../base/fault.ts";
import { chooseEntries, removeEntry } from "./clean.ts";
import { listEntries } from "./entries.ts";
import { copyImage, findImage, obtainImage, twinBeside } from "./image-store.ts";
import { ownOwner } from "./owner.ts";
import { blobPath, type CachePlaces, cachePlaces } from "./places.ts";
import { readVerified } from "./read-verified.ts";
import { obtainFile, type WantedFile } from "./verified-file.ts";

const roots: string[] = [];
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

function newPlaces(shared?: string): CachePlaces {
  const root = mkdtempSync(`${tmpdir()}/skiff-cache-`);
  roots.push(root);
  return { root, shared };
}

const content = new TextEncoder().encode("0123456789".repeat(1000));
const digest = `sha256:${new Bun.CryptoHasher("sha256").update(content).digest("hex")}`;

/** A wanted file whose source is recorded and, where wanted, breaks off. */
function wanted(places: CachePlaces, more: { bytes?: Uint8Array; breakAt?: number } = {}) {
  const offsets: number[] = [];
  const bytes = more.bytes ?? content;
  const levels = [places.root, places.shared].filter((level) => level !== undefined);
  const file: WantedFile = {
    digest,
    sizeBytes: content.length,
    candidates: levels.map((level) => blobPath(level, digest)),
    what: "layer x",
    async *source(offset) {
      offsets.push(offset);
      for (let at = offset; at < bytes.length; at += 1000) {
        if (more.breakAt !== undefined && at >= more.breakAt) throw new Fault("io", "cut");
        yield bytes.subarray(at, at + 1000);
      }
    },
  };
  return { file, offsets };
}

test.each([
  [{}, "/home/u/.skiff/cache"],
  [{ SINGULARITY_CACHEDIR: "/s" }, "/s/cache"],
  [{ SINGULARITY_CACHEDIR: "/s", APPTAINER_CACHEDIR: "/a" }, "/a/cache"],
  [{ SKIFF_CACHEDIR: "x", APPTAINER_CACHEDIR: "/a" }, "/site/x/cache"],
  [{ SKIFF_CACHEDIR: " " }, "/home/u/.skiff/cache"],
])("cachePlaces() with %j is %s", (env, root) => {
  const places = cachePlaces({
    env: env as Record<string, string>,
    userDirectory: "/home/u/.skiff",
    cwd: "/site",
    sharedCache: "",
  });
  expect(places).toEqual({ root, shared: undefined });
});

test("cachePlaces() takes the shared level from the variable, else from the configuration", () => {
  const input = { userDirectory: "/home/u/.skiff", cwd: "/site", sharedCache: "/conf" };
  expect(cachePlaces({ ...input, env: {} }).shared).toBe("/conf");
  expect(cachePlaces({ ...input, env: { SKIFF_SHARED_CACHE: "x" } }).shared).toBe("/site/x");
});

test("obtainFile() fetches once, verifies, and finds it again", async () => {
  const places = newPlaces();
  const { file, offsets } = wanted(places);
  const path = await obtainFile(places, file);
  expect(await obtainFile(places, file)).toBe(path);
  expect(offsets).toEqual([0]);
  expect(readFileSync(path).equals(content)).toBe(true);
  expect(readdirSync(`${places.root}/skiff/claims`)).toEqual([]);
  expect(readdirSync(`${places.root}/skiff/partial`)).toEqual([]);
});

test("obtainFile() goes on where a download broke off", async () => {
  const places = newPlaces();
  const broken = wanted(places, { breakAt: 4000 });
  await expect(obtainFile(places, broken.file)).rejects.toThrow("cut");
  expect(existsSync(blobPath(places.root, digest))).toBe(false);
  const { file, offsets } = wanted(places);
  const path = await obtainFile(places, file);
  expect(offsets).toEqual([4000]);
  expect(readFileSync(path).equals(content)).toBe(true);
});

test("obtainFile() makes a copy meanwhile, which is the user's own", async () => {
  const places = newPlaces();
  const target = `${newPlaces().root}/image.sif`;
  const twin = twinBeside(target);
  const path = await obtainFile(places, wanted(places).file, { twin });
  // Where the file system shares blocks there is none.
  if (twin.isWhole) expect(readFileSync(twin.path).equals(content)).toBe(true);
  await copyImage(path, target, twin.isWhole ? twin.path : undefined);
  expect(readdirSync(dirname(target))).toEqual(["image.sif"]);
  expect(readFileSync(target).equals(content)).toBe(true);
  writeFileSync(target, "changed");
  expect(readFileSync(path).equals(content)).toBe(true);
});

test.each([
  ["breaks off", { breakAt: 4000 }],
  ["is not what it should be", { bytes: new Uint8Array(content.length) }],
])("obtainFile() leaves no copy of a download that %s", async (_, more) => {
  const target = `${newPlaces().root}/image.sif`;
  const twin = twinBeside(target);
  const places = newPlaces();
  await expect(obtainFile(places, wanted(places, more).file, { twin })).rejects.toThrow();
  expect(twin.isWhole).toBe(false);
  expect(readdirSync(dirname(target))).toEqual([]);
});

test("obtainFile() fetches all the same where the copy cannot be written", async () => {
  const places = newPlaces();
  const twin = twinBeside(`${newPlaces().root}/nowhere/image.sif`);
  const path = await obtainFile(places, wanted(places).file, { twin });
  expect(twin.isWhole).toBe(false);
  expect(readFileSync(path).equals(content)).toBe(true);
});

test.each([
  ["wrong bytes", new Uint8Array(content.length)],
  ["too much", new Uint8Array(content.length + 1)],
])("obtainFile() refuses %s and keeps nothing of it", async (_, bytes) => {
  const places = newPlaces();
  await expect(obtainFile(places, wanted(places, { bytes }).file)).rejects.toThrow(
    "Cannot use layer x",
  );
  expect(readdirSync(`${places.root}/skiff/partial`)).toEqual([]);
  expect(existsSync(blobPath(places.root, digest))).toBe(false);
});

/** A file that is long enough for a thread of its own and direct writes, and ends within a sector. */
function wantedLarge(places: CachePlaces, breakAt?: number) {
  const bytes = new Uint8Array((64 << 20) + 12_345);
  for (let i = 0; i < bytes.length; i += 997) bytes[i] = i >> 8;
  const sum = `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;
  const offsets: number[] = [];
  const file: WantedFile = {
    digest: sum,
    sizeBytes: bytes.length,
    candidates: [blobPath(places.root, sum)],
    what: "layer x",
    async *source(offset) {
      offsets.push(offset);
      for (let at = offset; at < bytes.length; at += 300_001) {
        if (breakAt !== undefined && at >= breakAt) throw new Fault("io", "cut");
        yield bytes.slice(at, at + 300_001);
      }
    },
  };
  return { file, bytes, offsets };
}

test("obtainFile() writes a long file and its twin whole, and continues one that broke off", async () => {
  // Not on a file system in memory.
  const root = mkdtempSync("/var/tmp/skiff-cache-");
  roots.push(root);
  const places = { root, shared: undefined };
  const cut = wantedLarge(places, 20_000_000);
  await expect(obtainFile(places, cut.file)).rejects.toThrow("cut");
  const { file, bytes, offsets } = wantedLarge(places);
  expect(readFileSync(await obtainFile(places, file)).equals(bytes)).toBe(true);
  expect(offsets).toEqual([67 * 300_001]);
  rmSync(blobPath(root, file.digest));
  const twin = twinBeside(`${root}/image.sif`);
  expect(readFileSync(await obtainFile(places, file, { twin })).equals(bytes)).toBe(true);
  if (twin.isWhole) expect(readFileSync(twin.path).equals(bytes)).toBe(true);
});

test("obtainFile() refuses a long file that is not what was named, and its twin", async () => {
  const places = newPlaces();
  const { file } = wantedLarge(places);
  const other = { ...file, digest };
  const twin = twinBeside(`${places.root}/image.sif`);
  await expect(obtainFile(places, other, { twin })).rejects.toThrow("its content has the digest");
  expect(twin.isWhole).toBe(false);
  expect(existsSync(blobPath(places.root, file.digest))).toBe(false);
});

test("obtainFile() refuses what ends early, but keeps it", async () => {
  const places = newPlaces();
  const short = wanted(places, { bytes: content.subarray(0, 3000) });
  await expect(obtainFile(places, short.file)).rejects.toThrow("ended after 3000 of 10000 bytes");
  const { file, offsets } = wanted(places);
  await obtainFile(places, file);
  expect(offsets).toEqual([3000]);
});

test("obtainFile() fetches a file again that was damaged or cut in the cache", async () => {
  for (const damage of ["cut", "changed"]) {
    const places = newPlaces();
    const { file, offsets } = wanted(places);
    const path = await obtainFile(places, file);
    if (damage === "cut") truncateSync(path, 5);
    else writeFileSync(path, new Uint8Array(content.length));
    await obtainFile(places, file);
    expect(offsets).toEqual([0, 0]);
    expect(readFileSync(path).equals(content)).toBe(true);
  }
});

test("obtainFile() takes what the shared level has, verified, and writes nothing there", async () => {
  const site = newPlaces();
  await obtainFile(site, wanted(site).file);
  const before = readdirSync(site.root, { recursive: true }).sort();
  const places = newPlaces(site.root);
  const { file, offsets } = wanted(places);
  expect(await obtainFile(places, file)).toBe(blobPath(site.root, digest));
  expect(offsets).toEqual([]);
  expect(readdirSync(site.root, { recursive: true }).sort()).toEqual(before);
});

test("obtainFile() takes over the partial download of a process that died", async () => {
  const places = newPlaces();
  const dead = Bun.spawnSync(["true"]).pid;
  mkdirSync(`${places.root}/skiff/partial`, { recursive: true });
  mkdirSync(`${places.root}/skiff/claims`, { recursive: true });
  const hex = digest.slice(7);
  const { place } = ownOwner();
  writeFileSync(
    `${places.root}/skiff/partial/${hex}.${place}.${dead}-x`,
    content.subarray(0, 7000),
  );
  writeFileSync(`${places.root}/skiff/claims/${hex}`, `${place}/${dead}-x\nhost\n0\n0\n`);
  const { file, offsets } = wanted(places);
  await obtainFile(places, file);
  expect(offsets).toEqual([7000]);
});

test("obtainImage() makes an image once, and again when it was cut", async () => {
  const places = newPlaces();
  const entry = { kind: "oci", name: "ab" } as const;
  let made = 0;
  const obtain = () =>
    obtainImage(places, entry, { reference: "docker://x" }, async (path) => {
      made += 1;
      writeFileSync(path, "image");
    });
  const path = await obtain();
  expect(await obtain()).toBe(path);
  expect(made).toBe(1);
  truncateSync(path, 2);
  expect(findImage(places, entry)).toBeUndefined();
  await obtain();
  expect(made).toBe(2);
});

test("obtainImage() leaves nothing when making fails", async () => {
  const places = newPlaces();
  const entry = { kind: "oci", name: "ab" } as const;
  const failing = obtainImage(places, entry, {}, async (path) => {
    writeFileSync(path, "half");
    throw new Fault("io", "broken");
  });
  await expect(failing).rejects.toThrow("broken");
  expect(readdirSync(`${places.root}/oci-tmp`)).toEqual([]);
});

test("copyImage() replaces the target, is executable, and sweeps what the killed left", async () => {
  const { root } = newPlaces();
  const dead = Bun.spawnSync(["true"]).pid;
  writeFileSync(`${root}/from`, "new");
  writeFileSync(`${root}/to.sif`, "old");
  writeFileSync(`${root}/.skiff-pull.to.sif.${ownOwner().place}.${dead}-x`, "half");
  await copyImage(`${root}/from`, `${root}/to.sif`);
  expect(readFileSync(`${root}/to.sif`, "utf8")).toBe("new");
  expect(statSync(`${root}/to.sif`).mode & 0o100).toBe(0o100);
  expect(readdirSync(root).sort()).toEqual(["from", "to.sif"]);
});

test("readVerified() gives the bytes, and for a damaged file no last piece but a Fault", async () => {
  const { root } = newPlaces();
  const big = new Uint8Array(2_500_000).fill(7);
  const bigDigest = `sha256:${new Bun.CryptoHasher("sha256").update(big).digest("hex")}`;
  writeFileSync(`${root}/f`, big);
  const pieces: Uint8Array[] = [];
  for await (const piece of readVerified(`${root}/f`, bigDigest, big.length, "x"))
    pieces.push(piece);
  expect(Buffer.concat(pieces).equals(big)).toBe(true);
  big[2_000_000] = 8;
  writeFileSync(`${root}/f`, big);
  let given = 0;
  const read = async (): Promise<void> => {
    for await (const piece of readVerified(`${root}/f`, bigDigest, big.length, "x"))
      given += piece.length;
  };
  await expect(read()).rejects.toThrow("damaged");
  await read().catch(() => {});
  expect(given).toBeLessThan(big.length);
  expect(existsSync(`${root}/f`)).toBe(false);
});

test("chooseEntries() chooses by kind, age, size and reference", async () => {
  const places = newPlaces();
  const make = async (name: string, reference: string, length: number, ageDays: number) => {
    const path = await obtainImage(places, { kind: "oci", name }, { reference }, async (to) =>
      writeFileSync(to, "x".repeat(length)),
    );
    const time = new Date(Date.now() - ageDays * 86_400_000);
    utimesSync(path, time, time);
  };
  await make("a", "docker://one", 100, 10);
  await make("b", "docker://two", 200, 1);
  await obtainFile(places, wanted(places).file);
  const entries = listEntries(places);
  const names = (choice: Parameters<typeof chooseEntries>[1]) =>
    chooseEntries(entries, choice, Date.now()).map(({ name }) => name.slice(0, 2));
  const blob = digest.slice(7, 9);
  expect(names({ types: ["all"] })).toEqual(["a", "b", blob]);
  expect(names({ types: ["blob"] })).toEqual([blob]);
  expect(names({ types: ["oci"], olderThanMs: 5 * 86_400_000 })).toEqual(["a"]);
  expect(names({ types: ["all"], reference: "two" })).toEqual(["b"]);
  expect(names({ types: ["all"], keepBytes: 10_250 })).toEqual(["a"]);
  for (const entry of entries) removeEntry(places, entry);
  expect(listEntries(places)).toEqual([]);
});

test("obtainFile() fetches again what somebody removed while it was written", async () => {
  const places = newPlaces();
  const { file, offsets } = wanted(places);
  const folder = `${places.root}/skiff/partial`;
  let removals = 1;
  const source: WantedFile["source"] = async function* (offset) {
    yield* file.source(offset);
    if (removals === 0) return;
    removals -= 1;
    for (const name of readdirSync(folder)) rmSync(`${folder}/${name}`);
  };
  const path = await obtainFile(places, { ...file, source });
  expect(readFileSync(path)).toEqual(Buffer.from(content));
  expect(offsets).toEqual([0, 0]);
  removals = 9;
  rmSync(path);
  await expect(obtainFile(places, { ...file, source })).rejects.toThrow(
    "removed while it is written",
  );
});

test("listEntries() leaves out downloads that are being written", () => {
  const places = newPlaces();
  const folder = `${places.root}/skiff/partial`;
  mkdirSync(folder, { recursive: true });
  const hex = digest.slice("sha256:".length);
  writeFileSync(`${folder}/${hex}.${ownOwner().place}.${process.pid}-a`, "written");
  writeFileSync(`${folder}/${hex}.left`, "left");
  expect(listEntries(places).map(({ name }) => name)).toEqual([`${hex}.left`]);
});
