import type { PathUse } from "../../host/path-trace.ts";

/**
 * A remembered launch.
 *
 *   file = "SKRP", u32 version, u64 checksum of the rest, u32 bytes of JSON, JSON, ops
 *
 * Little-endian. A file that was not written whole, or by another version, is as good as none.
 */
export interface LaunchRecord {
  /** What planning read, and what each gave. The launch is the same as long as all stamps are. */
  readonly paths: readonly {
    readonly path: string;
    readonly use: PathUse;
    readonly stamp: string;
  }[];
  readonly starter: string;
  readonly env: RecordedEnvironment;
  /** Milliseconds since 1970 until which it holds: name services have no stamp. */
  readonly expiresMs: number;
  readonly ops: Uint8Array;
}

/** The program's environment as operations on the caller's. */
export interface RecordedEnvironment {
  /** Names of the caller's variables that pass through; "all": every one that is not in `fixed` or `dropped`. */
  readonly pass: "all" | readonly string[];
  readonly dropped: readonly string[];
  /** `NAME=value` as it is, or a pair: the name, and whose value in the caller's environment it takes. */
  readonly fixed: readonly (string | readonly [name: string, from: string])[];
  /** Names in `fixed` that the caller had, too: a launch with others of them is another launch. */
  readonly replaced: readonly string[];
}

const MAGIC = 0x50524b53;
const VERSION = 2;
const HEAD_BYTES = 20;

export function encodeRecord(record: LaunchRecord): Uint8Array {
  const { ops, ...facts } = record;
  const json = new TextEncoder().encode(JSON.stringify(facts));
  const bytes = new Uint8Array(new ArrayBuffer(HEAD_BYTES + json.length + ops.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, VERSION, true);
  view.setUint32(16, json.length, true);
  bytes.set(json, HEAD_BYTES);
  bytes.set(ops, HEAD_BYTES + json.length);
  view.setBigUint64(8, checksum(bytes), true);
  return bytes;
}

/** The record in a file's bytes; undefined when they hold none. */
export function decodeRecord(bytes: Uint8Array): LaunchRecord | undefined {
  if (bytes.length < HEAD_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC || view.getUint32(4, true) !== VERSION) return undefined;
  if (view.getBigUint64(8, true) !== checksum(bytes)) return undefined;
  const jsonEnd = HEAD_BYTES + view.getUint32(16, true);
  if (jsonEnd > bytes.length) return undefined;
  // The checksum proves that this is what encodeRecord wrote.
  const facts = JSON.parse(new TextDecoder().decode(bytes.subarray(HEAD_BYTES, jsonEnd))) as Omit<
    LaunchRecord,
    "ops"
  >;
  return { ...facts, ops: bytes.subarray(jsonEnd) };
}

function checksum(bytes: Uint8Array): bigint {
  return Bun.hash.wyhash(bytes.subarray(16));
}
