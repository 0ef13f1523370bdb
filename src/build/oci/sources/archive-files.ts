import { open } from "node:fs/promises";
import { Fault } from "../../../base/fault.ts";
import { cleanPath, dirName } from "../../../base/path.ts";
import type { TarEntry } from "../../../format/tar/tar-entry.ts";
import { TarReader, type TarSink } from "../../../format/tar/tar-reader.ts";
import { decompressed } from "../decompress.ts";
import type { MemberFiles } from "./member-files.ts";
import { readRange } from "./read-range.ts";

/** Where a member lies in the unpacked archive, or what it is a link to. */
type Member =
  | { readonly kind: "file"; readonly offset: number; readonly sizeBytes: number }
  | { readonly kind: "link"; readonly target: string };

const MAX_MEMBERS = 1_000_000;
const MAX_LINKS = 8;

/**
 * Members of a tar archive, read where they lie: nothing is unpacked. A compressed archive (gzip or
 * zstd) is decompressed up to a member each time that is opened.
 */
export async function archiveFiles(path: string): Promise<MemberFiles> {
  const where = `archive "${path}"`;
  const isPacked = await isCompressed(path);
  const members = await index(path, where, isPacked);
  const find = (name: string): Extract<Member, { kind: "file" }> | undefined => {
    let key = cleanPath(`/${name}`);
    for (let i = 0; i <= MAX_LINKS; i++) {
      const member = members.get(key);
      if (member?.kind !== "link") return member;
      key = member.target;
    }
    return undefined;
  };
  return {
    sizeOf: (name) => find(name)?.sizeBytes,
    async *open(name) {
      const member = find(name);
      if (member === undefined) {
        throw new Fault("not-found", `Cannot read the ${where}: it has no member "${name}"`);
      }
      const { offset, sizeBytes } = member;
      if (isPacked)
        yield* rangeOf(decompressed(readRange(path, 0, undefined), where), offset, sizeBytes);
      else yield* readRange(path, offset, sizeBytes);
    },
  };
}

async function isCompressed(path: string): Promise<boolean> {
  for await (const piece of readRange(path, 0, undefined)) {
    const [a, b, c, d] = piece;
    return (a === 0x1f && b === 0x8b) || (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd);
  }
  return false;
}

async function index(
  path: string,
  where: string,
  isPacked: boolean,
): Promise<ReadonlyMap<string, Member>> {
  const members = new Map<string, Member>();
  const sink: TarSink = {
    entry(entry) {
      const member = memberOf(entry, reader.offset);
      if (member !== undefined) members.set(cleanPath(`/${entry.path}`), member);
      if (members.size > MAX_MEMBERS) {
        throw new Fault("invalid", `Cannot read the ${where}: more than ${MAX_MEMBERS} members`);
      }
      return false;
    },
    data() {},
    endOfData() {},
  };
  const reader = new TarReader(sink, where);
  if (isPacked) {
    for await (const piece of decompressed(readRange(path, 0, undefined), where))
      reader.push(piece);
  } else {
    await readHeaders(path, reader);
  }
  reader.end();
  return members;
}

function memberOf(entry: TarEntry, offset: number): Member | undefined {
  const { kind, link, sizeBytes } = entry;
  if (kind === "file" && entry.sparse === undefined) return { kind, offset, sizeBytes };
  if (kind === "hardlink") return { kind: "link", target: cleanPath(`/${link}`) };
  if (kind !== "symlink") return undefined;
  const folder = dirName(cleanPath(`/${entry.path}`));
  return { kind: "link", target: cleanPath(link.startsWith("/") ? link : `${folder}/${link}`) };
}

/** Reads what is needed of an archive, jumping over contents. */
async function readHeaders(path: string, reader: TarReader): Promise<void> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const piece = new Uint8Array(16 * 1024);
    while (!reader.isEnded && reader.offset < size) {
      const { bytesRead } = await file.read(piece, 0, piece.length, reader.offset);
      if (bytesRead === 0) break;
      reader.push(piece.subarray(0, bytesRead));
      const ignored = Math.min(reader.ignoredBytes, size - reader.offset);
      if (ignored > 0) reader.skip(ignored);
    }
  } finally {
    await file.close();
  }
}

async function* rangeOf(
  pieces: AsyncIterable<Uint8Array>,
  offset: number,
  lengthBytes: number,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  const end = offset + lengthBytes;
  for await (const piece of pieces) {
    const from = Math.max(0, offset - at);
    const to = Math.min(piece.length, end - at);
    if (to > from) yield piece.subarray(from, to);
    at += piece.length;
    if (at >= end) return;
  }
}
