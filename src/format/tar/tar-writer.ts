import { joinBytes } from "../../base/join-bytes.ts";
import { encodeOsText } from "../../base/os-text.ts";
import { headerSums, largestOctal, writeOctal } from "./_number.ts";
import { paxRecord } from "./_pax.ts";
import { BLOCK_BYTES, storedBytes, type TarEntry, type TarKind } from "./tar-entry.ts";
import { paddingOf } from "./tar-reader.ts";

const TYPES: Readonly<Record<TarKind, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  char: "3",
  block: "4",
  dir: "5",
  fifo: "6",
};

const NAME_BYTES = 100;

/** What ends an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK_BYTES);

/**
 * All that stands before the content of an entry: `storedBytes` of content follow, and `paddingOf` that.
 *
 * What does not fit a POSIX 1988 header goes to PAX records, except long names and links, which are
 * written as GNU does: mksquashfs 4.5.1 takes leading slashes and dots off the target of a symbolic
 * link when it comes in a PAX record. User and group names are left empty, so that nobody looks them
 * up on the machine that reads the archive.
 */
export function encodeTarHeader(entry: TarEntry): Uint8Array {
  const pieces: Uint8Array[] = [];
  const path = encodeOsText(entry.path);
  const link = encodeOsText(entry.link);
  const map = entry.sparse === undefined ? undefined : sparseMap(entry);
  const stored = storedBytes(entry) + (map?.length ?? 0);
  const records = paxRecords(entry, stored);
  if (records.length > 0) pieces.push(...extension("x", joinBytes(records)));
  if (path.length > NAME_BYTES) pieces.push(...extension("L", withNul(path)));
  if (link.length > NAME_BYTES) pieces.push(...extension("K", withNul(link)));
  const fitting = (value: number, length: number): number =>
    value >= 0 && value <= largestOctal(length) ? value : 0;
  const block = emptyBlock(TYPES[entry.kind]);
  block.set(path.subarray(0, NAME_BYTES));
  block.set(link.subarray(0, NAME_BYTES), 157);
  writeOctal(block, 100, 8, entry.mode);
  writeOctal(block, 108, 8, fitting(entry.uid, 8));
  writeOctal(block, 116, 8, fitting(entry.gid, 8));
  writeOctal(block, 124, 12, fitting(stored, 12));
  writeOctal(block, 136, 12, fitting(entry.mtimeSeconds, 12));
  writeOctal(block, 329, 8, entry.major);
  writeOctal(block, 337, 8, entry.minor);
  pieces.push(sealed(block));
  if (map !== undefined) pieces.push(map);
  return pieces.length === 1 ? block : joinBytes(pieces);
}

function paxRecords(entry: TarEntry, stored: number): Uint8Array[] {
  const records: Uint8Array[] = [];
  const add = (key: string, value: string): void => {
    records.push(paxRecord(key, encodeOsText(value)));
  };
  if (stored > largestOctal(12)) add("size", String(stored));
  if (entry.uid > largestOctal(8)) add("uid", String(entry.uid));
  if (entry.gid > largestOctal(8)) add("gid", String(entry.gid));
  if (entry.mtimeSeconds < 0 || entry.mtimeSeconds > largestOctal(12)) {
    // mksquashfs wants the point.
    add("mtime", `${entry.mtimeSeconds}.0`);
  }
  if (entry.sparse !== undefined) {
    add("GNU.sparse.major", "1");
    add("GNU.sparse.minor", "0");
    add("GNU.sparse.name", entry.path);
    add("GNU.sparse.realsize", String(entry.sizeBytes));
  }
  for (const [name, value] of entry.xattrs) records.push(paxRecord(`SCHILY.xattr.${name}`, value));
  return records;
}

/**
 * The map that stands before the data: whole blocks. Its last part is empty and ends the file; so is its
 * first, because mksquashfs does not count the bytes that fill up the first one.
 */
function sparseMap(entry: TarEntry): Uint8Array {
  const end = { offset: entry.sizeBytes, length: 0 };
  const parts = [{ offset: 0, length: 0 }, ...(entry.sparse ?? []), end];
  const text = `${parts.length}\n${parts.map((p) => `${p.offset}\n${p.length}\n`).join("")}`;
  const out = new Uint8Array(text.length + paddingOf(text.length));
  out.set(encodeOsText(text));
  return out;
}

/** A header that describes the next one. */
function extension(type: string, content: Uint8Array): readonly Uint8Array[] {
  const block = emptyBlock(type);
  block.set(encodeOsText(type === "x" ? "PaxHeaders/entry" : "././@LongLink"));
  writeOctal(block, 100, 8, 0o644);
  writeOctal(block, 108, 8, 0);
  writeOctal(block, 116, 8, 0);
  writeOctal(block, 124, 12, content.length);
  writeOctal(block, 136, 12, 0);
  return [sealed(block), content, new Uint8Array(paddingOf(content.length))];
}

function emptyBlock(type: string): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  block[156] = type.charCodeAt(0);
  block.set(encodeOsText("ustar\x0000"), 257);
  return block;
}

function sealed(block: Uint8Array): Uint8Array {
  // Six digits, NUL, blank.
  writeOctal(block, 148, 7, headerSums(block)[0]);
  block[155] = 0x20;
  return block;
}

function withNul(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length + 1);
  out.set(bytes);
  return out;
}
