import { closeSync, mkdirSync, openSync, unlinkSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { Fault } from "../../../base/fault.ts";
import { cleanPath, dirName } from "../../../base/path.ts";
import type { TarEntry } from "../../../format/tar/tar-entry.ts";
import { TarReader, type TarSink } from "../../../format/tar/tar-reader.ts";
import { decompressed, packingOf } from "../decompress.ts";
import type { MemberFiles } from "./member-files.ts";
import { readRange } from "./read-range.ts";

/** Where a member lies in the unpacked archive, or what it is a link to. */
type Member =
  | { readonly kind: "file"; readonly offset: number; readonly sizeBytes: number }
  | { readonly kind: "link"; readonly target: string };

const MAX_MEMBERS = 1_000_000;
const MAX_LINKS = 8;

/**
 * Members of a tar archive, read where they lie: nothing is unpacked. An archive that is compressed as
 * a whole (gzip, zstd, xz or bzip2) is decompressed once, into a file in `folder` that has no name any more and
 * so is gone with this process.
 */
export async function archiveFiles(given: string, folder: string): Promise<MemberFiles> {
  const where = `archive "${given}"`;
  const path = (await isCompressed(given)) ? await decompressedCopy(given, where, folder) : given;
  const members = await index(path, where);
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
      yield* readRange(path, member.offset, member.sizeBytes);
    },
  };
}

async function isCompressed(path: string): Promise<boolean> {
  for await (const piece of readRange(path, 0, undefined)) {
    return packingOf(piece) !== undefined;
  }
  return false;
}

/** Path of the decompressed archive, as long as this process lives. */
async function decompressedCopy(path: string, where: string, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const name = `${folder}/archive-${process.pid}-${crypto.randomUUID().slice(0, 13)}`;
  const fd = openSync(name, "wx+", 0o600);
  unlinkSync(name);
  try {
    for await (const piece of decompressed(readRange(path, 0, undefined), where)) {
      for (let done = 0; done < piece.length; ) done += writeSync(fd, piece, done);
    }
  } catch (cause) {
    closeSync(fd);
    if (cause instanceof Fault) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("io", `Cannot decompress the ${where} in "${folder}": ${reason}`, {
      cause,
      hint: "make room there, or name another directory in SKIFF_CACHEDIR or SKIFF_TMPDIR",
    });
  }
  return `/proc/self/fd/${fd}`;
}

async function index(path: string, where: string): Promise<ReadonlyMap<string, Member>> {
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
  await readHeaders(path, reader);
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
