import { viewOf } from "../../base/byte-source.ts";
import { DATA_PARTITION } from "./codes.ts";
import { EXTRA_BYTES, type SifDescriptor } from "./descriptor.ts";

/*
 * The 384 bytes at the end of a descriptor, by data type:
 *   partition    0 i32 file system · 4 i32 partition type · 8 architecture "02\0"
 *   signature    0 i32 hash type · 4 entity (256): PGP fingerprint in the first 20, or zeros
 *   crypto       0 i32 format · 4 i32 message type
 *   SBOM         0 i32 format
 *   OCI objects  "sha256:…", ended by a NUL
 */

export interface PartitionExtra {
  /** FS_* and PART_* codes, kept when unknown. */
  readonly fsType: number;
  readonly partType: number;
  /** Two-digit architecture code. */
  readonly arch: string;
}

/** Facts of a partition; `undefined` for objects of another type. */
export function partitionExtra(descriptor: SifDescriptor): PartitionExtra | undefined {
  if (descriptor.dataType !== DATA_PARTITION) return undefined;
  const v = viewOf(descriptor.extra);
  return {
    fsType: v.getInt32(0, true),
    partType: v.getInt32(4, true),
    arch: String.fromCharCode(v.getUint8(8), v.getUint8(9)),
  };
}

export function encodePartitionExtra(facts: PartitionExtra): Uint8Array {
  const out = new Uint8Array(EXTRA_BYTES);
  const v = viewOf(out);
  v.setInt32(0, facts.fsType, true);
  v.setInt32(4, facts.partType, true);
  v.setUint8(8, facts.arch.charCodeAt(0));
  v.setUint8(9, facts.arch.charCodeAt(1));
  return out;
}

export interface SignatureExtra {
  readonly hashType: number;
  /** 20 bytes; all zero: none (signatures of keys that are not PGP). */
  readonly fingerprint: Uint8Array;
}

/** Facts of a signature object; the caller knows that it is one. */
export function signatureExtra(descriptor: SifDescriptor): SignatureExtra {
  return {
    hashType: viewOf(descriptor.extra).getInt32(0, true),
    fingerprint: descriptor.extra.slice(4, 24),
  };
}

export function encodeSignatureExtra(facts: SignatureExtra): Uint8Array {
  const out = new Uint8Array(EXTRA_BYTES);
  viewOf(out).setInt32(0, facts.hashType, true);
  out.set(facts.fingerprint.subarray(0, 20), 4);
  return out;
}

/** The number or numbers that the extra field of SBOMs (one) and cryptographic messages (two) begins with. */
export function extraCodes(descriptor: SifDescriptor): readonly [number, number] {
  const v = viewOf(descriptor.extra);
  return [v.getInt32(0, true), v.getInt32(4, true)];
}

export function encodeExtraCodes(first: number, second: number = 0): Uint8Array {
  const out = new Uint8Array(EXTRA_BYTES);
  const v = viewOf(out);
  v.setInt32(0, first, true);
  v.setInt32(4, second, true);
  return out;
}

/** Digest text of an OCI object, up to the first NUL. */
export function digestExtra(descriptor: SifDescriptor): string {
  const end = descriptor.extra.indexOf(0);
  return String.fromCharCode(...descriptor.extra.subarray(0, end < 0 ? EXTRA_BYTES : end));
}

export function encodeDigestExtra(digest: string): Uint8Array {
  const out = new Uint8Array(EXTRA_BYTES);
  for (let i = 0; i < digest.length && i < EXTRA_BYTES; i++) out[i] = digest.charCodeAt(i);
  return out;
}
