import { Fault } from "../../base/fault.ts";
import { DATA_OCI_BLOB, DATA_OCI_ROOT } from "../sif/codes.ts";
import { GROUP_MASK, NAME_BYTES, type SifDescriptor } from "../sif/descriptor.ts";
import { encodeStart } from "../sif/edit.ts";
import { encodeDigestExtra } from "../sif/extra.ts";
import { isDeterministic, ZERO_TIME } from "../sif/header.ts";
import type { SifImage } from "../sif/image.ts";
import type { ImageTexts } from "./image-texts.ts";
import type { OciSif } from "./oci-sif.ts";

/** Mounting by the kernel wants what is written to at whole pages. */
const OVERLAY_ALIGNMENT = 4096;

/** Other texts for the image of an OCI-SIF, and what changes with them. */
export interface OciSifChange {
  readonly texts: ImageTexts;
  /** A layer that comes to it: an overlay. */
  readonly added?: { readonly digest: string; readonly sizeBytes: number };
  /** An object whose bytes have another digest than before. */
  readonly redigested?: { readonly id: number; readonly digest: string };
}

export interface PlannedOciSif {
  /** Where the added layer goes; undefined where there is none. */
  readonly layerOffset: number | undefined;
  /** Bytes that go into the file before its table is written. */
  readonly pieces: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
  /** Header and table: written in one piece, it makes the change. */
  readonly start: Uint8Array;
  /** Length of the file after the change. */
  readonly endBytes: number;
}

/**
 * Plans a change to the image of an OCI-SIF in its file: what is new goes where nothing that is in use
 * lies, and then the table is replaced, so that the file is whole at any moment. Room of old texts is
 * used again. Throws a Fault when the table has no room.
 */
export function planOciSif(
  image: SifImage,
  oci: OciSif,
  change: OciSifChange,
  now: bigint,
): PlannedOciSif {
  const { header } = image;
  const old = new Set([oci.config, oci.manifest, oci.index].map(({ object }) => object.id));
  const kept = image.objects.filter(({ id }) => !old.has(id));
  const time = isDeterministic(header) ? ZERO_TIME : now;
  const { texts, added, redigested } = change;
  const blobs = [
    { dataType: DATA_OCI_BLOB, ...texts.config },
    { dataType: DATA_OCI_BLOB, ...texts.manifest },
    { dataType: DATA_OCI_ROOT, ...texts.index },
  ];
  const textBytes = blobs.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const keptEnd = endOf(kept, header.dataOffset);
  const oldStart = Math.min(...image.objects.filter(({ id }) => old.has(id)).map((o) => o.offset));
  // Behind what stays, where old texts of an earlier change lay; else behind everything.
  const hasGap = added === undefined && oldStart >= keptEnd + textBytes;
  const free = hasGap ? keptEnd : endOf(image.objects, header.dataOffset);
  const used = new Set(kept.map(({ slot }) => slot));
  const objects: SifDescriptor[] = kept.map((object) =>
    object.id === redigested?.id
      ? { ...object, modifiedAt: time, extra: encodeDigestExtra(redigested.digest) }
      : object,
  );
  let at = free;
  const add = (dataType: number, digest: string, sizeBytes: number, alignment: number): number => {
    let slot = 0;
    while (used.has(slot)) slot++;
    if (slot >= header.descriptorsTotal) {
      throw new Fault("failed", "insufficient descriptor capacity to change the image", {
        hint: "pull the image again, which gives its table more room",
      });
    }
    used.add(slot);
    const offset = Math.ceil(at / alignment) * alignment;
    objects.push({
      ...{ slot, dataType, id: slot + 1, group: GROUP_MASK + 1, link: 0 },
      ...{ offset, sizeBytes, paddedBytes: offset - at + sizeBytes },
      ...{ createdAt: time, modifiedAt: time, uid: 0n, gid: 0n },
      name: new Uint8Array(NAME_BYTES),
      extra: encodeDigestExtra(digest),
    });
    at = offset + sizeBytes;
    return offset;
  };
  const layerOffset = added && add(DATA_OCI_BLOB, added.digest, added.sizeBytes, OVERLAY_ALIGNMENT);
  const pieces = blobs.map(({ dataType, digest, bytes }) => ({
    offset: add(dataType, digest, bytes.length, 1),
    bytes,
  }));
  objects.sort((a, b) => a.slot - b.slot);
  const endBytes = endOf(objects, header.dataOffset);
  const start = encodeStart({
    header: {
      ...header,
      modifiedAt: time,
      descriptorsFree: header.descriptorsTotal - objects.length,
      dataBytes: endBytes - header.dataOffset,
    },
    objects,
  });
  return { layerOffset, pieces, start, endBytes };
}

function endOf(objects: readonly SifDescriptor[], least: number): number {
  return objects.reduce((end, o) => Math.max(end, o.offset + o.sizeBytes), least);
}
