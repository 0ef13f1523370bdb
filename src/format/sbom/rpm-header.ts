import { decodeOsText } from "../../base/os-text.ts";
import { type InstalledPackage, installedPackage } from "./installed-package.ts";

/*
 * A header as rpm's databases keep it, all numbers big-endian:
 *
 *   0   number of entries n, 4 bytes
 *   4   length of the data, 4 bytes
 *   8   n entries of 16 bytes: tag, type, offset in the data, count
 *   8 + 16n   data; texts end in a zero
 */
const NAME = 1000;
const VERSION = 1001;
const RELEASE = 1002;
const EPOCH = 1003;
const VENDOR = 1011;
const LICENSE = 1014;
const URL_TAG = 1020;
const ARCH = 1022;

const INT32 = 4;
const TEXTS: readonly number[] = [6, 8, 9];
const MOST_ENTRIES = 65536;

/** The package of a header; undefined for bytes that are none, and for keys that rpm keeps as packages. */
export function rpmPackage(bytes: Uint8Array, source: string): InstalledPackage | undefined {
  if (bytes.length < 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(0);
  const data = 8 + count * 16;
  if (count > MOST_ENTRIES || data > bytes.length) return undefined;
  const find = (tag: number): string => {
    for (let i = 0; i < count; i++) {
      const at = 8 + i * 16;
      if (view.getUint32(at) !== tag) continue;
      const start = data + view.getUint32(at + 8);
      const type = view.getUint32(at + 4);
      if (type === INT32) return start + 4 <= bytes.length ? String(view.getUint32(start)) : "";
      if (!TEXTS.includes(type) || start >= bytes.length) return "";
      const end = bytes.indexOf(0, start);
      return decodeOsText(bytes.subarray(start, end < 0 ? bytes.length : end));
    }
    return "";
  };
  const [name, version] = [find(NAME), find(VERSION)];
  if (name === "" || version === "" || name === "gpg-pubkey") return undefined;
  const [epoch, release] = [find(EPOCH), find(RELEASE)];
  return installedPackage({
    kind: "rpm",
    name,
    version: `${epoch === "" || epoch === "0" ? "" : `${epoch}:`}${version}${release === "" ? "" : `-${release}`}`,
    arch: find(ARCH),
    license: find(LICENSE),
    supplier: find(VENDOR),
    homepage: find(URL_TAG),
    source,
  });
}
