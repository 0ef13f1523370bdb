import { dlopen, FFIType, ptr } from "bun:ffi";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { decodeOsText, encodeOsText } from "../../src/base/os-text.ts";

/** Everything about an entry that a comparison looks at, as one line. */
export type Listing = ReadonlyMap<string, string>;

const libc = dlopen("libc.so.6", {
  llistxattr: { args: [FFIType.ptr, FFIType.ptr, FFIType.u64], returns: FFIType.i64 },
  lgetxattr: {
    args: [FFIType.ptr, FFIType.ptr, FFIType.ptr, FFIType.u64],
    returns: FFIType.i64,
  },
}).symbols;

const hash = (bytes: Uint8Array): string =>
  new Bun.CryptoHasher("sha256").update(bytes).digest("hex").slice(0, 12);

/** Lists a tree on disk: kind, mode, owner, time, link, devices, content, attributes and names of one file. */
export function listTree(root: string): Listing {
  const lines = new Map<string, string>();
  const firstNames = new Map<number, string>();
  const visit = (at: Buffer, name: string): void => {
    const stat = lstatSync(at);
    const parts: (string | number)[] = [(stat.mode & 0o170000).toString(8)];
    if (!stat.isSymbolicLink()) parts.push((stat.mode & 0o7777).toString(8));
    else parts.push(decodeOsText(readlinkSync(at, { encoding: "buffer" })));
    parts.push(stat.uid, stat.gid, Math.floor(stat.mtimeMs / 1000));
    if (stat.isCharacterDevice() || stat.isBlockDevice()) parts.push(stat.rdev);
    if (stat.isFile()) parts.push(stat.size, hash(readFileSync(at)));
    parts.push(...attributesOf(at));
    const names: string[] = [];
    if (stat.isDirectory()) {
      for (const child of readdirSync(at, { encoding: "buffer" })) {
        names.push(decodeOsText(child));
      }
    } else if (stat.nlink > 1) {
      const first = firstNames.get(stat.ino);
      if (first === undefined) firstNames.set(stat.ino, name);
      else parts.push(`= ${first}`);
    }
    lines.set(name === "" ? "/" : name, parts.join(" "));
    for (const child of names.sort()) {
      visit(Buffer.concat([at, Buffer.from("/"), encodeOsText(child)]), `${name}/${child}`);
    }
  };
  visit(Buffer.from(root), "");
  return lines;
}

/** Attributes that an image can hold. */
function attributesOf(path: Buffer): readonly string[] {
  const zeroEnded = Buffer.concat([path, Buffer.from([0])]);
  const list = new Uint8Array(65536);
  const length = Number(libc.llistxattr(ptr(zeroEnded), ptr(list), list.length));
  if (length <= 0) return [];
  const names = decodeOsText(list.subarray(0, length)).split("\0").slice(0, -1);
  return names
    .filter((name) => /^(?:user|security|trusted)\./.test(name) && name !== "security.selinux")
    .sort()
    .map((name) => {
      const value = new Uint8Array(65536);
      const size = libc.lgetxattr(
        ptr(zeroEnded),
        ptr(Buffer.from(`${name}\0`)),
        ptr(value),
        value.length,
      );
      return `${name}=${hash(value.subarray(0, Number(size)))}`;
    });
}

/** What differs between two listings, for an assertion against an empty list. */
export function differences(expected: Listing, actual: Listing): readonly string[] {
  const out: string[] = [];
  for (const name of new Set([...expected.keys(), ...actual.keys()])) {
    const [a, b] = [expected.get(name), actual.get(name)];
    if (a !== b)
      out.push(`${JSON.stringify(name)}: expected ${a ?? "nothing"}, is ${b ?? "nothing"}`);
  }
  return out;
}
