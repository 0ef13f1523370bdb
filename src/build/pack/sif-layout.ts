import { DATA_PARTITION, PART_PRIMARY } from "../../format/sif/codes.ts";
import {
  EXTRA_BYTES,
  encodeDescriptor,
  encodeName,
  GROUP_MASK,
} from "../../format/sif/descriptor.ts";
import { partitionExtra } from "../../format/sif/extra.ts";
import {
  DEFAULT_CAPACITY,
  DESCRIPTOR_BYTES,
  encodeHeader,
  LAUNCH_BYTES,
  TABLE_OFFSET,
} from "../../format/sif/header.ts";

/** An object to be laid out; all are put in group 1. */
export interface SifObject {
  readonly dataType: number;
  readonly name: string;
  readonly sizeBytes: number;
  /** Bytes of the per-type field; at most 384. */
  readonly extra: Uint8Array;
}

/** Header and table of a new SIF, and where its objects begin. */
export interface SifLayout {
  /** The first bytes of the file, up to the data. */
  readonly head: Uint8Array;
  readonly offsets: readonly number[];
}

const LAUNCH = "#!/usr/bin/env run-singularity\n";
const PARTITION_ALIGNMENT = 4096;

/**
 * Lays out a SIF the way all writers do (reference: sif.md section 7): objects one after another,
 * partitions aligned, a table of 48 slots.
 *
 * @param time seconds since 1970.
 */
export function layoutSif(
  objects: readonly SifObject[],
  uuid: Uint8Array,
  time: bigint,
): SifLayout {
  const dataOffset = TABLE_OFFSET + DEFAULT_CAPACITY * DESCRIPTOR_BYTES;
  const head = new Uint8Array(dataOffset);
  const offsets: number[] = [];
  let end = dataOffset;
  let arch = "00";
  for (const [slot, object] of objects.entries()) {
    const isPartition = object.dataType === DATA_PARTITION;
    const alignment = isPartition ? PARTITION_ALIGNMENT : 1;
    const offset = Math.ceil(end / alignment) * alignment;
    const extra = new Uint8Array(EXTRA_BYTES);
    extra.set(object.extra);
    const descriptor = {
      slot,
      dataType: object.dataType,
      id: slot + 1,
      group: GROUP_MASK + 1,
      link: 0,
      offset,
      sizeBytes: object.sizeBytes,
      paddedBytes: offset - end + object.sizeBytes,
      createdAt: time,
      modifiedAt: time,
      uid: 0n,
      gid: 0n,
      name: encodeName(object.name),
      extra,
    };
    head.set(encodeDescriptor(descriptor), TABLE_OFFSET + slot * DESCRIPTOR_BYTES);
    const partition = partitionExtra(descriptor);
    if (partition?.partType === PART_PRIMARY) arch = partition.arch;
    offsets.push(offset);
    end = offset + object.sizeBytes;
  }
  const launch = new Uint8Array(LAUNCH_BYTES);
  launch.set(new TextEncoder().encode(LAUNCH));
  head.set(
    encodeHeader({
      launch,
      arch,
      uuid,
      createdAt: time,
      modifiedAt: time,
      descriptorsFree: DEFAULT_CAPACITY - objects.length,
      descriptorsTotal: DEFAULT_CAPACITY,
      tableOffset: TABLE_OFFSET,
      tableBytes: DEFAULT_CAPACITY * DESCRIPTOR_BYTES,
      dataOffset,
      dataBytes: end - dataOffset,
    }),
  );
  return { head, offsets };
}
