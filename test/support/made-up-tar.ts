import { expect } from "bun:test";
import { encodeOsText } from "../../src/base/os-text.ts";
import { headerSums, writeOctal } from "../../src/format/tar/_number.ts";
import { paxRecord } from "../../src/format/tar/_pax.ts";
import { NO_XATTRS, type TarEntry } from "../../src/format/tar/tar-entry.ts";
import { paddingOf, TarReader } from "../../src/format/tar/tar-reader.ts";
import { encodeTarHeader, TAR_END } from "../../src/format/tar/tar-writer.ts";

export interface Read {
  readonly entry: TarEntry;
  readonly content: Uint8Array;
}

/** Reads an archive that comes in pieces of the given lengths, over and over. */
export function readTar(
  archive: Uint8Array,
  lengths: readonly number[] = [10_000],
): readonly Read[] {
  const out: Read[] = [];
  let pieces: Uint8Array[] = [];
  const reader = new TarReader(
    {
      entry(entry, ordinal) {
        expect(ordinal).toBe(out.length);
        pieces = [];
        out.push({ entry, content: new Uint8Array(0) });
        return true;
      },
      data: (bytes) => pieces.push(bytes.slice()),
      endOfData() {
        const last = out.pop();
        if (last !== undefined) out.push({ ...last, content: Buffer.concat(pieces) });
      },
    },
    "layer x",
  );
  for (let at = 0, turn = 0; at < archive.length; turn++) {
    const length = Math.max(1, lengths[turn % lengths.length] ?? 1);
    reader.push(archive.subarray(at, at + length));
    at += length;
  }
  reader.end();
  return out.map(({ entry, content }) => ({ entry, content: Uint8Array.from(content) }));
}

export function writeTar(all: readonly Read[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (const { entry, content } of all) {
    pieces.push(encodeTarHeader(entry), content, new Uint8Array(paddingOf(content.length)));
  }
  return Uint8Array.from(Buffer.concat([...pieces, TAR_END]));
}

export const PLAIN: TarEntry = {
  kind: "file",
  path: "a",
  link: "",
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeSeconds: 1,
  sizeBytes: 0,
  major: 0,
  minor: 0,
  xattrs: NO_XATTRS,
  sparse: undefined,
};

/** A header block as an old tool writes it; numbers go in as text. */
export function block(
  fields: Readonly<Record<number, string | Uint8Array>>,
  type: string,
): Uint8Array {
  const out = new Uint8Array(512);
  for (const at of [100, 108, 116]) writeOctal(out, at, 8, 0);
  for (const at of [124, 136]) writeOctal(out, at, 12, 0);
  out[156] = type.charCodeAt(0);
  for (const [at, value] of Object.entries(fields)) {
    out.set(typeof value === "string" ? encodeOsText(value) : value, Number(at));
  }
  writeOctal(out, 148, 7, headerSums(out)[0]);
  return out;
}

export const concat = (...pieces: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(Buffer.concat(pieces));

export function padded(text: string | Uint8Array): Uint8Array {
  const bytes = typeof text === "string" ? encodeOsText(text) : text;
  return concat(bytes, new Uint8Array(paddingOf(bytes.length)));
}

export const octal = (value: number): string => value.toString(8).padStart(11, "0");

/** A PAX header with records. */
export function pax(
  records: Readonly<Record<string, string | Uint8Array>>,
  type: string = "x",
): Uint8Array {
  const content = concat(
    ...Object.entries(records).map(([key, value]) =>
      paxRecord(key, typeof value === "string" ? encodeOsText(value) : value),
    ),
  );
  return concat(block({ 0: "pax", 124: octal(content.length) }, type), padded(content));
}
