import { Fault } from "../../base/fault.ts";
import { GROUP_MASK, NAME_BYTES, type SifDescriptor } from "../sif/descriptor.ts";
import { changeTime, encodeStart, lowestFreeSlot } from "../sif/edit.ts";
import { encodeDigestExtra } from "../sif/extra.ts";
import type { SifHeader } from "../sif/header.ts";

/** The table of an OCI-SIF that is being changed: blobs come behind a place in the file, one after another. */
export class BlobTable {
  readonly #header: SifHeader;
  readonly #objects: SifDescriptor[];
  readonly #time: bigint;
  #at: number;

  /**
   * @param kept objects that stay.
   * @param at offset in the file from which nothing is in use.
   * @param now seconds since 1970.
   */
  constructor(header: SifHeader, kept: readonly SifDescriptor[], at: number, now: bigint) {
    this.#header = header;
    this.#objects = [...kept];
    this.#at = at;
    this.#time = changeTime(header, now);
  }

  /** Gives the offset of the added blob. Throws a Fault when the table has no room. */
  add(dataType: number, digest: string, sizeBytes: number, alignment = 1): number {
    const slot = lowestFreeSlot({ header: this.#header, objects: this.#objects });
    if (slot === undefined) {
      throw new Fault("failed", "insufficient descriptor capacity to change the image", {
        hint: "pull the image again, which gives its table more room",
      });
    }
    const offset = Math.ceil(this.#at / alignment) * alignment;
    this.#objects.push({
      ...{ slot, dataType, id: slot + 1, group: GROUP_MASK + 1, link: 0 },
      ...{ offset, sizeBytes, paddedBytes: offset - this.#at + sizeBytes },
      ...{ createdAt: this.#time, modifiedAt: this.#time, uid: 0n, gid: 0n },
      name: new Uint8Array(NAME_BYTES),
      extra: encodeDigestExtra(digest),
    });
    this.#at = offset + sizeBytes;
    return offset;
  }

  /** Header and table, and the length of the file with them. */
  finish(): { readonly start: Uint8Array; readonly endBytes: number } {
    const header = this.#header;
    const objects = this.#objects.toSorted((a, b) => a.slot - b.slot);
    const endBytes = endOf(objects, header.dataOffset);
    const start = encodeStart({
      header: {
        ...header,
        modifiedAt: this.#time,
        descriptorsFree: header.descriptorsTotal - objects.length,
        dataBytes: endBytes - header.dataOffset,
      },
      objects,
    });
    return { start, endBytes };
  }
}

/** Where the last of some objects ends, at least `least`. */
export function endOf(objects: readonly SifDescriptor[], least: number): number {
  return objects.reduce((end, o) => Math.max(end, o.offset + o.sizeBytes), least);
}
