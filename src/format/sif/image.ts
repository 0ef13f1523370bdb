import type { ByteSource } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import { DATA_PARTITION, PART_PRIMARY } from "./codes.ts";
import { decodeDescriptor, type SifDescriptor } from "./descriptor.ts";
import { partitionExtra } from "./extra.ts";
import {
  DESCRIPTOR_BYTES,
  decodeHeader,
  HEADER_BYTES,
  MAX_CAPACITY,
  type SifHeader,
} from "./header.ts";

/** Header and table of an image; object bytes stay in the source. */
export interface SifImage {
  readonly header: SifHeader;
  /** Objects in table order. */
  readonly objects: readonly SifDescriptor[];
}

/** Header and a table of the default capacity: one read for nearly every image. */
const FIRST_READ = 32176;

/**
 * Reads and checks an image. Refused with a Fault `invalid`: a table or an object that leaves the
 * file, overlaps another or the header; two objects with one id; more than 4096 descriptors. Bytes
 * after the last object are accepted, as are gaps; with `whole` false, for who only looks at the table,
 * objects that leave the file, too.
 */
export function readSif(source: ByteSource, whole: boolean = true): SifImage {
  if (source.sizeBytes < HEADER_BYTES) {
    throw broken(`the file has ${source.sizeBytes} bytes, a header needs ${HEADER_BYTES}`);
  }
  const first = source.read(0, Math.min(FIRST_READ, source.sizeBytes));
  const header = decodeHeader(first);
  const total = header.descriptorsTotal;
  if (total > MAX_CAPACITY) throw broken(`${total} descriptors are more than ${MAX_CAPACITY}`);
  const tableBytes = total * DESCRIPTOR_BYTES;
  const tableEnd = header.tableOffset + tableBytes;
  if (header.tableOffset < HEADER_BYTES) {
    throw broken(`its descriptors at ${header.tableOffset} overlap the header`);
  }
  if (tableEnd > source.sizeBytes) {
    throw broken(`its descriptors end at ${tableEnd}, the file at ${source.sizeBytes}`);
  }
  if (header.dataOffset < tableEnd) {
    throw broken(
      `its data at ${header.dataOffset} overlap the descriptors, which end at ${tableEnd}`,
    );
  }
  const inFirst = tableEnd <= first.length;
  const table = inFirst ? first : source.read(header.tableOffset, tableBytes);
  const start = inFirst ? header.tableOffset : 0;

  const objects: SifDescriptor[] = [];
  for (let slot = 0; slot < total; slot++) {
    const object = decodeDescriptor(table, start + slot * DESCRIPTOR_BYTES, slot);
    if (object !== undefined) objects.push(object);
  }
  checkObjects(objects, header, whole ? source.sizeBytes : Number.POSITIVE_INFINITY);
  return { header, objects };
}

function checkObjects(
  objects: readonly SifDescriptor[],
  header: SifHeader,
  fileBytes: number,
): void {
  let isInOrder = true;
  let lastId = 0;
  let end = 0;
  for (const { id, offset, sizeBytes } of objects) {
    // Peers never write before the data section, and an empty object may lie anywhere.
    if (sizeBytes > 0 && offset < header.dataOffset) {
      throw broken(`object ${id} at ${offset} lies before the data at ${header.dataOffset}`);
    }
    if (offset + sizeBytes > fileBytes) {
      throw broken(
        `object ${id} (${sizeBytes} bytes at ${offset}) goes beyond the end of the file at ${fileBytes}`,
      );
    }
    isInOrder &&= id > lastId && (sizeBytes === 0 || offset >= end);
    lastId = id;
    if (sizeBytes > 0) end = offset + sizeBytes;
  }
  // As nearly every image is written; sorting would take longer than all the rest at start-up.
  if (!isInOrder) checkDisorder(objects);
}

/** Ids that are unique and ranges that do not overlap, for objects in any order. */
function checkDisorder(objects: readonly SifDescriptor[]): void {
  const ids = new Set<number>();
  for (const { id } of objects) {
    if (ids.has(id)) throw broken(`it has two objects with the id ${id}`);
    ids.add(id);
  }
  const inOrder = objects.filter((o) => o.sizeBytes > 0).sort((a, b) => a.offset - b.offset);
  let end = 0;
  let before = 0;
  for (const object of inOrder) {
    if (object.offset < end) throw broken(`objects ${before} and ${object.id} overlap`);
    end = object.offset + object.sizeBytes;
    before = object.id;
  }
}

/** The object with an id, or undefined. */
export function findObject(image: SifImage, id: number): SifDescriptor | undefined {
  return image.objects.find((o) => o.id === id);
}

/** The primary system partition, or undefined; the first one should there be several. */
export function primaryPartition(image: SifImage): SifDescriptor | undefined {
  return image.objects.find(
    (o) => o.dataType === DATA_PARTITION && partitionExtra(o)?.partType === PART_PRIMARY,
  );
}

function broken(reason: string): Fault {
  return new Fault("invalid", `Cannot read SIF image: ${reason}`, {
    hint: "the file is cut off or damaged; fetch or build it again",
  });
}
