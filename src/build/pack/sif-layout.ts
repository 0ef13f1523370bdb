import { emptySif, encodeStart, planAdd } from "../../format/sif/edit.ts";

/** An object to be laid out; all are put in group 1. */
export interface SifObject {
  readonly dataType: number;
  readonly name: string;
  readonly sizeBytes: number;
  /** Bytes of the per-type field; at most 384. */
  readonly extra: Uint8Array;
  /** Id of another object; ids are positions in the list, from 1. */
  readonly link?: number;
}

/** Header and table of a new SIF, and where its objects begin. */
export interface SifLayout {
  /** The first bytes of the file, up to the data. */
  readonly head: Uint8Array;
  readonly offsets: readonly number[];
}

/**
 * Lays out a SIF that can be called as a program (reference: sif.md section 7).
 *
 * @param time seconds since 1970.
 */
export function layoutSif(
  objects: readonly SifObject[],
  uuid: Uint8Array,
  time: bigint,
): SifLayout {
  let image = emptySif({ uuid, time, launch: "#!/usr/bin/env run-singularity\n" });
  const offsets: number[] = [];
  for (const object of objects) {
    const added = planAdd(image, { ...object, group: 1 }, time);
    image = added.image;
    offsets.push(added.object.offset);
  }
  return { head: encodeStart(image), offsets };
}
