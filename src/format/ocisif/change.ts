import { DATA_OCI_BLOB, DATA_OCI_ROOT } from "../sif/codes.ts";
import { changeTime } from "../sif/edit.ts";
import { encodeDigestExtra } from "../sif/extra.ts";
import type { SifImage } from "../sif/image.ts";
import { BlobTable, endOf } from "./_blob-table.ts";
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
  const stay = kept.map((object) =>
    object.id === redigested?.id
      ? {
          ...object,
          modifiedAt: changeTime(header, now),
          extra: encodeDigestExtra(redigested.digest),
        }
      : object,
  );
  const table = new BlobTable(header, stay, free, now);
  const layerOffset =
    added && table.add(DATA_OCI_BLOB, added.digest, added.sizeBytes, OVERLAY_ALIGNMENT);
  const pieces = blobs.map(({ dataType, digest, bytes }) => ({
    offset: table.add(dataType, digest, bytes.length),
    bytes,
  }));
  return { layerOffset, pieces, ...table.finish() };
}
