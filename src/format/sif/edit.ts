import { Fault } from "../../base/fault.ts";
import { DATA_PARTITION, PART_PRIMARY, PART_SYSTEM } from "./codes.ts";
import {
  EXTRA_BYTES,
  encodeDescriptor,
  encodeName,
  GROUP_MASK,
  NAME_BYTES,
  type SifDescriptor,
} from "./descriptor.ts";
import { encodePartitionExtra, partitionExtra } from "./extra.ts";
import {
  DEFAULT_CAPACITY,
  DESCRIPTOR_BYTES,
  encodeHeader,
  isDeterministic,
  LAUNCH_BYTES,
  type SifHeader,
  TABLE_OFFSET,
  ZERO_TIME,
} from "./header.ts";
import { findObject, primaryPartition, type SifImage } from "./image.ts";

/*
 * Changes to images as plans (sif.md section 7): a new table and the few bytes to write. Object bytes
 * come first, then slots, the header last; a reader needs nothing of the header that a change touches
 * except the architecture, so whatever was written when a machine stops, the image stays readable.
 */

/** An object to be added; its bytes are the caller's. */
export interface NewObject {
  readonly dataType: number;
  /** Group number, 0 for none. */
  readonly group: number;
  /** Stored form: 0 none, an object id, `GROUP_MASK` plus a group. Default 0. */
  readonly link?: number;
  /** At most 128 bytes. */
  readonly name?: string;
  /** The per-type field, up to 384 bytes (extra.ts). */
  readonly extra?: Uint8Array;
  readonly sizeBytes: number;
  /** In bytes; 0 and 1 are none. Default 4096 for partitions, else none. */
  readonly alignment?: number;
  /** Times of its own, in seconds since 1970; default those of the change. */
  readonly time?: bigint;
}

export interface SifWrite {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface SifChange {
  /** The image after the change. */
  readonly image: SifImage;
  /** What to write, in this order, after the object's bytes. */
  readonly writes: readonly SifWrite[];
}

export interface SifAddition extends SifChange {
  /** The new object; its bytes go to `offset`. Bytes between the old end and there are zero. */
  readonly object: SifDescriptor;
}

/** Alignment that mounting needs. */
const PARTITION_ALIGNMENT = 4096;

export interface EmptySifOptions {
  /** 16 bytes. */
  readonly uuid: Uint8Array;
  /** Seconds since 1970, or `ZERO_TIME`. */
  readonly time: bigint;
  /** Text of the launch line with its newline, at most 31 bytes; none when absent. */
  readonly launch?: string;
  /** How many objects it has room for; default 48. */
  readonly capacity?: number;
}

/** An image without objects. `encodeStart` gives its bytes; add objects with `planAdd`. */
export function emptySif(options: EmptySifOptions): SifImage {
  const capacity = options.capacity ?? DEFAULT_CAPACITY;
  const launch = new Uint8Array(LAUNCH_BYTES);
  const text = options.launch ?? "";
  for (let i = 0; i < text.length && i < LAUNCH_BYTES - 1; i++) launch[i] = text.charCodeAt(i);
  const tableBytes = capacity * DESCRIPTOR_BYTES;
  return {
    header: {
      launch,
      arch: "00",
      uuid: options.uuid,
      createdAt: options.time,
      modifiedAt: options.time,
      descriptorsFree: capacity,
      descriptorsTotal: capacity,
      tableOffset: TABLE_OFFSET,
      tableBytes,
      dataOffset: TABLE_OFFSET + tableBytes,
      dataBytes: 0,
    },
    objects: [],
  };
}

/** The bytes of an image up to its data: header, zeros, table. */
export function encodeStart(image: SifImage): Uint8Array {
  const out = new Uint8Array(image.header.dataOffset);
  out.set(encodeHeader(image.header));
  for (const object of image.objects) {
    out.set(encodeDescriptor(object), slotOffset(image.header, object.slot));
  }
  return out;
}

/**
 * Adds an object in the lowest free slot, which makes its id. Throws a Fault `failed` when there is no
 * free slot or a second primary partition, `usage` for a name that is too long.
 */
export function planAdd(image: SifImage, object: NewObject, now: bigint): SifAddition {
  const { header } = image;
  const slot = lowestFreeSlot(image);
  if (slot === undefined) {
    throw new Fault("failed", "insufficient descriptor capacity to add data object(s) to image", {
      hint: "delete an object, or make the image again with more room",
    });
  }
  const time = changeTime(header, now);
  const alignment =
    object.alignment ?? (object.dataType === DATA_PARTITION ? PARTITION_ALIGNMENT : 0);
  const end = header.dataOffset + usedDataBytes(image);
  const offset = alignment > 1 ? Math.ceil(end / alignment) * alignment : end;
  const extra = new Uint8Array(EXTRA_BYTES);
  extra.set(object.extra ?? new Uint8Array(0));
  const added: SifDescriptor = {
    slot,
    dataType: object.dataType,
    id: slot + 1,
    group: GROUP_MASK + object.group,
    link: object.link ?? 0,
    offset,
    sizeBytes: object.sizeBytes,
    paddedBytes: offset - end + object.sizeBytes,
    createdAt: object.time ?? time,
    modifiedAt: object.time ?? time,
    uid: 0n,
    gid: 0n,
    name: object.name === undefined ? new Uint8Array(NAME_BYTES) : encodeName(object.name),
    extra,
  };
  const partition = partitionExtra(added);
  const isPrimary = partition?.partType === PART_PRIMARY;
  if (isPrimary && primaryPartition(image) !== undefined) {
    throw new Fault("failed", "image already contains a primary partition", {
      hint: "delete it, or add a system partition and make that the primary one with setprim",
    });
  }
  const objects = [...image.objects, added].sort((a, b) => a.slot - b.slot);
  const changed = withHeader(image, objects, time, {
    arch: isPrimary ? partition.arch : header.arch,
    dataBytes: offset + object.sizeBytes - header.dataOffset,
  });
  return { ...change(changed, [added]), object: added };
}

/** Deletes an object: its slot becomes zero, its bytes stay. Throws a Fault `not-found` for an unknown id. */
export function planDelete(image: SifImage, id: number, now: bigint): SifChange {
  const object = findOrThrow(image, id);
  const objects = image.objects.filter((o) => o !== object);
  const wasPrimary = partitionExtra(object)?.partType === PART_PRIMARY;
  const changed = withHeader(image, objects, changeTime(image.header, now), {
    arch: wasPrimary ? "00" : image.header.arch,
  });
  const zeros = {
    offset: slotOffset(image.header, object.slot),
    bytes: new Uint8Array(DESCRIPTOR_BYTES),
  };
  return { image: changed, writes: [zeros, headerWrite(changed)] };
}

/**
 * Makes a system partition the primary one; the old one becomes an ordinary system partition. Nothing
 * is written when it already is. Throws a Fault: `not-found`, or `failed` for any other object.
 */
export function planSetPrimary(image: SifImage, id: number, now: bigint): SifChange {
  const object = findOrThrow(image, id);
  const partition = partitionExtra(object);
  if (partition === undefined) throw new Fault("failed", "data object not a partition");
  if (partition.partType === PART_PRIMARY) return { image, writes: [] };
  if (partition.partType !== PART_SYSTEM) {
    throw new Fault("failed", "data object not a system partition");
  }
  const time = changeTime(image.header, now);
  const old = primaryPartition(image);
  const retype = (o: SifDescriptor, partType: number): SifDescriptor => {
    const extra = partitionExtra(o);
    const encoded = extra && encodePartitionExtra({ ...extra, partType });
    return { ...o, modifiedAt: time, extra: encoded ?? o.extra };
  };
  const changes = [retype(object, PART_PRIMARY)];
  if (old !== undefined) changes.push(retype(old, PART_SYSTEM));
  const objects = image.objects.map((o) => changes.find((c) => c.id === o.id) ?? o);
  return change(withHeader(image, objects, time, { arch: partition.arch }), changes);
}

/** Slots of changed objects, then the header. */
function change(image: SifImage, changed: readonly SifDescriptor[]): SifChange {
  const slots = changed.map((object) => ({
    offset: slotOffset(image.header, object.slot),
    bytes: encodeDescriptor(object),
  }));
  return { image, writes: [...slots, headerWrite(image)] };
}

function withHeader(
  image: SifImage,
  objects: readonly SifDescriptor[],
  time: bigint,
  changes: Partial<SifHeader>,
): SifImage {
  const { header } = image;
  const descriptorsFree = header.descriptorsTotal - objects.length;
  return { header: { ...header, modifiedAt: time, descriptorsFree, ...changes }, objects };
}

function headerWrite(image: SifImage): SifWrite {
  return { offset: 0, bytes: encodeHeader(image.header) };
}

function slotOffset(header: SifHeader, slot: number): number {
  return header.tableOffset + slot * DESCRIPTOR_BYTES;
}

/** Undefined where the table is full. */
export function lowestFreeSlot(image: SifImage): number | undefined {
  const used = new Set(image.objects.map((o) => o.slot));
  for (let slot = 0; slot < image.header.descriptorsTotal; slot++) {
    if (!used.has(slot)) return slot;
  }
  return undefined;
}

/** Bytes from the start of the data to the end of the last object. */
function usedDataBytes(image: SifImage): number {
  const { dataOffset } = image.header;
  return image.objects.reduce((end, o) => Math.max(end, o.offset + o.sizeBytes - dataOffset), 0);
}

/** Deterministic images keep their fixed time. */
export function changeTime(header: SifHeader, now: bigint): bigint {
  return isDeterministic(header) ? ZERO_TIME : now;
}

function findOrThrow(image: SifImage, id: number): SifDescriptor {
  const object = findObject(image, id);
  if (object === undefined) {
    throw new Fault("not-found", "object not found", { hint: "`sif list` shows the ids" });
  }
  return object;
}
