import { fromBase64 } from "../../base/base64.ts";
import { decodeOsText, encodeOsText } from "../../base/os-text.ts";
import type { HeaderFields } from "./_header.ts";
import { readNumber } from "./_number.ts";
import { type PaxHeader, type PaxRecords, paxNumber, paxSeconds } from "./_pax.ts";
import { checkSparse, readSparseList } from "./_sparse.ts";
import { NO_XATTRS, type SparsePart, type TarEntry, type TarKind } from "./tar-entry.ts";

/** What came before the header of an entry. */
export interface EntryStart {
  /** GNU long name and long link. */
  readonly longPath: string | undefined;
  readonly longLink: string | undefined;
  readonly pax: PaxHeader | undefined;
  readonly global: PaxRecords;
  /** Length of a GNU sparse file, 12 bytes as in its header. */
  readonly gnuSparse?: Uint8Array;
}

/** An entry and how many bytes of content follow; or how many bytes follow that begin with a map. */
export type EntryAnswer =
  | { readonly entry: TarEntry; readonly contentBytes: number }
  | { readonly needsMap: number };

const KINDS: Readonly<Record<string, TarKind>> = {
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "dir",
  "6": "fifo",
  "7": "file",
  S: "file",
  D: "dir",
};

const MAX_ID = 0xffffffff;

/**
 * Puts the headers of an entry together. A text says what is wrong.
 *
 * @param numbers map of a sparse file where it has been read.
 * @param stored bytes of content according to the header, less those of the map.
 */
export function entryOf(
  fields: HeaderFields,
  start: EntryStart,
  numbers: readonly number[] | undefined,
  stored: number,
): EntryAnswer | string {
  const record = (key: string): Uint8Array | undefined => {
    const value = start.pax?.records.get(key) ?? start.global.get(key);
    return value === undefined || value.length === 0 ? undefined : value;
  };
  const textOf = (key: string): string | undefined => {
    const value = record(key);
    return value === undefined ? undefined : decodeOsText(value);
  };
  const numberOf = (key: string, fallback: number): number => {
    const value = record(key);
    return value === undefined ? fallback : (paxNumber(value) ?? Number.NaN);
  };
  const named = Object.hasOwn(KINDS, fields.type) ? KINDS[fields.type] : undefined;
  if (named === undefined) return `an entry has the unknown type ${JSON.stringify(fields.type)}`;
  const givenPath = textOf("GNU.sparse.name") ?? start.longPath ?? textOf("path") ?? fields.path;
  // Old archives have no type for directories.
  const kind = named === "file" && fields.type !== "S" && givenPath.endsWith("/") ? "dir" : named;
  const path = kind === "dir" ? givenPath.replace(/\/+$/, "") || "/" : givenPath;
  const isLink = kind === "symlink" || kind === "hardlink";
  const link = isLink ? (start.longLink ?? textOf("linkpath") ?? fields.link) : "";
  if (path.includes("\0") || link.includes("\0")) return "a name holds a NUL";

  let contentBytes = 0;
  let sizeBytes = 0;
  let sparse: readonly SparsePart[] | undefined;
  if (kind === "file") {
    contentBytes = numbers === undefined ? numberOf("size", stored) : stored;
    sizeBytes = contentBytes;
    const form = sparseForm(fields, start, record);
    if (form !== undefined) {
      const map = numbers ?? form.numbers;
      if (map === undefined) return Number.isNaN(contentBytes) ? BAD : { needsMap: contentBytes };
      sizeBytes = form.sizeBytes;
      if (!(sizeBytes >= 0)) return BAD;
      const checked = checkSparse(map, sizeBytes, contentBytes);
      if (typeof checked === "string") return checked;
      sparse = checked;
    }
  } else if (fields.type === "D") {
    contentBytes = fields.sizeBytes;
  }
  const mtime = record("mtime");
  const entry: TarEntry = {
    kind,
    path,
    link,
    mode: fields.mode,
    uid: numberOf("uid", fields.uid),
    gid: numberOf("gid", fields.gid),
    mtimeSeconds: mtime === undefined ? fields.mtimeSeconds : (paxSeconds(mtime) ?? Number.NaN),
    sizeBytes,
    major: fields.major,
    minor: fields.minor,
    xattrs: NO_XATTRS,
    sparse,
  };
  if (Number.isNaN(contentBytes + entry.mtimeSeconds + entry.uid + entry.gid)) return BAD;
  if (entry.uid < 0 || entry.uid > MAX_ID || entry.gid < 0 || entry.gid > MAX_ID) {
    return `the owner ${entry.uid}:${entry.gid} is out of range`;
  }
  const xattrs = attributes(start);
  if (typeof xattrs === "string") return xattrs;
  return { entry: xattrs.size === 0 ? entry : { ...entry, xattrs }, contentBytes };
}

const BAD = "a PAX record that should be a number is none";

/** Length of a sparse file and, where the headers hold it, its map. */
function sparseForm(
  fields: HeaderFields,
  start: EntryStart,
  record: (key: string) => Uint8Array | undefined,
): { readonly sizeBytes: number; readonly numbers: readonly number[] | undefined } | undefined {
  const number = (key: string): number => paxNumber(record(key) ?? new Uint8Array(0)) ?? Number.NaN;
  if (fields.type === "S") {
    const size = start.gnuSparse === undefined ? undefined : readNumber(start.gnuSparse, 0, 12);
    return { sizeBytes: size ?? Number.NaN, numbers: undefined };
  }
  if (number("GNU.sparse.major") === 1 && number("GNU.sparse.minor") === 0) {
    return { sizeBytes: number("GNU.sparse.realsize"), numbers: undefined };
  }
  if (record("GNU.sparse.size") === undefined) return undefined;
  const list = record("GNU.sparse.map");
  const numbers =
    list === undefined ? (start.pax?.sparsePairs ?? []) : readSparseList(decodeOsText(list));
  return { sizeBytes: number("GNU.sparse.size"), numbers: numbers ?? [Number.NaN] };
}

const SCHILY = "SCHILY.xattr.";
const LIBARCHIVE = "LIBARCHIVE.xattr.";

/** Extended attributes in either spelling; an archive with both says the same in both. */
function attributes(start: EntryStart): ReadonlyMap<string, Uint8Array> | string {
  if (start.pax === undefined && start.global.size === 0) return NO_XATTRS;
  let found: Map<string, Uint8Array> | undefined;
  for (const records of [start.global, start.pax?.records ?? NO_XATTRS]) {
    for (const [key, value] of records) {
      let name: string;
      let bytes: Uint8Array | undefined = value;
      if (key.startsWith(SCHILY)) {
        name = key.slice(SCHILY.length);
      } else if (key.startsWith(LIBARCHIVE)) {
        name = unescapePercent(key.slice(LIBARCHIVE.length));
        if (start.pax?.records.has(SCHILY + name) === true) continue;
        bytes = fromBase64(decodeOsText(value));
        if (bytes === undefined) return `the attribute "${name}" is no base64`;
      } else {
        continue;
      }
      if (name === "" || name.includes("\0")) return "an attribute has no name";
      found ??= new Map();
      found.set(name, bytes);
    }
  }
  return found ?? NO_XATTRS;
}

function unescapePercent(text: string): string {
  if (!text.includes("%")) return text;
  const bytes: number[] = [];
  for (const [whole, code] of text.matchAll(/%([0-9A-Fa-f]{2})|[\s\S]/gu)) {
    if (code !== undefined) bytes.push(Number.parseInt(code, 16));
    else bytes.push(...encodeOsText(whole));
  }
  return decodeOsText(Uint8Array.from(bytes));
}
