import { encodeDescriptor, type SifDescriptor } from "./descriptor.ts";
import { encodeHeader, type SifHeader } from "./header.ts";
import type { SifImage } from "./image.ts";

/*
 * What a signature covers of the bookkeeping (sif.md section 9.1), as bytes to be hashed: object data
 * are hashed by whoever reads them.
 */

/** A hash over one piece of bytes, such as SHA-256; the result in the hash's own form. */
export type HashBytes<T> = (bytes: Uint8Array) => T;

/** Digest of the 61 header bytes that no change may touch: launch line, magic, version, UUID. */
export function headerDigest<T>(header: SifHeader, hash: HashBytes<T>): T {
  const bytes = encodeHeader(header);
  const covered = new Uint8Array(61);
  covered.set(bytes.subarray(0, 45));
  covered.set(bytes.subarray(48, 64), 45);
  return hash(covered);
}

/**
 * Digest of the 557 descriptor bytes that no change may touch. `relativeId` stands in for the id, so
 * that a signed group can move to another place.
 */
export function descriptorDigest<T>(
  descriptor: SifDescriptor,
  relativeId: number,
  hash: HashBytes<T>,
): T {
  const bytes = encodeDescriptor({ ...descriptor, id: relativeId });
  // Left out: group (9 to 12), offset (17), padded size (33), modified (49).
  const ranges = [
    [0, 9],
    [13, 17],
    [25, 33],
    [41, 49],
    [57, 585],
  ] as const;
  const covered = new Uint8Array(557);
  let at = 0;
  for (const [start, end] of ranges) {
    covered.set(bytes.subarray(start, end), at);
    at += end - start;
  }
  return hash(covered);
}

/** The smallest id among all objects with the same stored group: id minus this is the relative id. */
export function firstIdOfGroup(image: SifImage, group: number): number {
  return Math.min(...image.objects.filter((o) => o.group === group).map((o) => o.id));
}
