import { renameSync, rmSync } from "node:fs";
import type { ByteSource } from "../base/byte-source.ts";
import { Fault } from "../base/fault.ts";
import type { Invocation } from "../cli/invocation.ts";
import type { SifDescriptor } from "../format/sif/descriptor.ts";
import { emptySif, encodeStart, planAdd, planDelete, planSetPrimary } from "../format/sif/edit.ts";
import { findObject, readSif, type SifImage } from "../format/sif/image.ts";
import { write } from "../host/syscall.ts";
import type { Context } from "../terminal/context.ts";
import { changeSif, openForReading, readSifTable, writeNewFile } from "./_change-sif.ts";
import { type AddOptions, newObject } from "./sif/new-object.ts";
import { showHeader, showList, showObject } from "./sif/show.ts";

const CHUNK_BYTES = 1024 * 1024;

/** `sif header|list|info|dump|new|add|del|setprim`. */
export function run(invocation: Invocation, context: Context): number {
  const [first = "", second = ""] = invocation.args;
  switch (invocation.path[1]) {
    case "header":
      context.print(sifHeader(first));
      return 0;
    case "list":
      context.print(sifList(first));
      return 0;
    case "info":
      context.print(sifInfo(first, second));
      return 0;
    case "dump":
      sifDump(first, second, writeStdout);
      return 0;
    case "new":
      sifNew(first);
      return 0;
    case "add":
      sifAdd(first, second, addOptions(invocation));
      return 0;
    case "del":
      sifDel(first, second);
      return 0;
    case "setprim":
      sifSetprim(first, second);
      return 0;
    default:
      throw new Fault("usage", `unknown command "${invocation.path.join(" ")}"`);
  }
}

/** Text of the global header. */
export function sifHeader(path: string): string {
  return showHeader(readSifTable(path).header);
}

/** Table of all objects. */
export function sifList(path: string): string {
  return showList(readSifTable(path));
}

/** Everything one object's descriptor tells. `id` as on the command line. */
export function sifInfo(id: string, path: string): string {
  return showObject(pick(readSifTable(path), parseId(id)));
}

/**
 * Hands the bytes of an object to `writeChunk`, at most 1 MiB at a time; it gives false to stop. Of an
 * object that is cut off what is there, then a Fault.
 */
export function sifDump(
  id: string,
  path: string,
  writeChunk: (bytes: Uint8Array) => boolean,
): void {
  const number = parseId(id);
  const file = openForReading(path);
  try {
    const { offset, sizeBytes } = pick(readSif(file.source, false), number);
    const there = Math.min(sizeBytes, Math.max(0, file.source.sizeBytes - offset));
    for (let at = 0; at < there; at += CHUNK_BYTES) {
      const bytes = file.source.read(offset + at, Math.min(CHUNK_BYTES, there - at));
      if (!writeChunk(bytes)) return;
    }
    if (there < sizeBytes) {
      throw new Fault("invalid", `the file ends after ${there} of the object's ${sizeBytes} bytes`);
    }
  } finally {
    file.close();
  }
}

/** Makes an empty SIF with room for 48 objects; a file of that name is replaced. */
export function sifNew(path: string): void {
  const uuid = crypto.getRandomValues(new Uint8Array(16));
  // Version 4 and variant bits (RFC 9562 section 5.4).
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x40;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  writeNewFile(path, encodeStart(emptySif({ uuid, time: now() })), (temporary) => {
    try {
      renameSync(temporary, path);
    } catch (cause) {
      rmSync(temporary, { force: true });
      throw new Fault("io", `open ${path}: is a directory or cannot be replaced`, { cause });
    }
  });
}

/** Adds a file as an object; bytes first, then its slot, the header last, each safely on disk. */
export function sifAdd(path: string, objectPath: string, options: AddOptions): void {
  const object = openForReading(objectPath);
  try {
    const digest = (): string => sha256(object.source);
    const described = newObject(options, object.source.sizeBytes, digest);
    changeSif(path, (file) => {
      const added = planAdd(file.image, described, now());
      file.append(added.object.offset, object.source);
      file.write(added.writes);
    });
  } finally {
    object.close();
  }
}

/** Deletes an object from the table; its bytes stay in the file, as the peer leaves them. */
export function sifDel(id: string, path: string): void {
  const number = parseId(id);
  changeSif(path, (file) => file.write(planDelete(file.image, number, now()).writes));
}

/** Makes a system partition the primary one. */
export function sifSetprim(id: string, path: string): void {
  const number = parseId(id);
  changeSif(path, (file) => file.write(planSetPrimary(file.image, number, now()).writes));
}

function addOptions(invocation: Invocation): AddOptions {
  return {
    datatype: invocation.int("datatype"),
    parttype: invocation.int("parttype"),
    partfs: invocation.int("partfs"),
    partarch: invocation.int("partarch"),
    signhash: invocation.int("signhash"),
    signentity: invocation.string("signentity"),
    sbomformat: invocation.string("sbomformat"),
    groupid: invocation.int("groupid"),
    link: invocation.int("link"),
    alignment: invocation.isSet("alignment") ? invocation.int("alignment") : undefined,
    filename: invocation.string("filename"),
  };
}

/** An object id as on the command line. Throws a Fault `usage` for what is no 32 bit number. */
function parseId(text: string): number {
  if (!/^\d+$/.test(text)) {
    throw new Fault("usage", `while converting id: "${text}" is not a number`);
  }
  const id = Number(text);
  if (id > 0xffffffff) throw new Fault("usage", `while converting id: ${text} is out of range`);
  if (id === 0) throw new Fault("usage", "invalid object ID");
  return id;
}

function pick(image: SifImage, id: number): SifDescriptor {
  const object = findObject(image, id);
  if (object === undefined) throw new Fault("not-found", "object not found");
  return object;
}

function sha256(source: ByteSource): string {
  const hash = new Bun.CryptoHasher("sha256");
  for (let at = 0; at < source.sizeBytes; at += CHUNK_BYTES) {
    hash.update(source.read(at, Math.min(CHUNK_BYTES, source.sizeBytes - at)));
  }
  return hash.digest("hex");
}

function now(): bigint {
  return BigInt(Math.floor(Date.now() / 1000));
}

/** Writes to standard output; false when nobody reads it any more. */
function writeStdout(bytes: Uint8Array): boolean {
  const EAGAIN = -11;
  const EINTR = -4;
  const EPIPE = -32;
  let done = 0;
  while (done < bytes.length) {
    const count = write(1, bytes.subarray(done));
    if (count === EAGAIN) Bun.sleepSync(1);
    else if (count === EPIPE) return false;
    else if (count < 0 && count !== EINTR) {
      throw new Fault("io", "Cannot write to standard output");
    } else if (count > 0) done += count;
  }
  return true;
}
