import { decodeOsText, encodeOsText } from "../../base/os-text.ts";
import { signatureTag } from "../cosign/simple-signing.ts";
import { OCI_MANIFEST } from "../oci/manifest.ts";
import { DATA_OCI_BLOB, DATA_OCI_ROOT } from "../sif/codes.ts";
import { digestExtra } from "../sif/extra.ts";
import type { SifImage } from "../sif/image.ts";
import { BlobTable, endOf } from "./_blob-table.ts";
import type { DigestedText } from "./image-texts.ts";
import type { DigestOf } from "./oci-sif.ts";

/*
 * Cosign's signatures of the image in an OCI-SIF lie beside it as an image of their own (see
 * ../cosign/simple-signing.ts), which the root index names:
 *
 *   {"mediaType":…,"size":…,"digest":…,
 *    "annotations":{"org.opencontainers.image.ref.name":"_cosign:sha256-<hex>.sig"}}
 */

const REF_NAME = "org.opencontainers.image.ref.name";

interface IndexEntry {
  readonly digest?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Digest of the manifest of the signatures of an image; undefined when there are none. */
export function signaturesOf(index: Uint8Array, imageDigest: string): string | undefined {
  const name = refName(imageDigest);
  return entriesOf(index).find((entry) => entry.annotations?.[REF_NAME] === name)?.digest;
}

/** The index with that manifest for the signatures of an image, in place of the one before. */
export function indexWithSignatures(
  index: Uint8Array,
  imageDigest: string,
  manifest: DigestedText,
  digestOf: DigestOf,
): DigestedText {
  const name = refName(imageDigest);
  const others = entriesOf(index).filter((entry) => entry.annotations?.[REF_NAME] !== name);
  const entry = {
    mediaType: OCI_MANIFEST,
    size: manifest.bytes.length,
    digest: manifest.digest,
    annotations: { [REF_NAME]: name },
  };
  const before = JSON.parse(decodeOsText(index)) as Readonly<Record<string, unknown>>;
  const bytes = encodeOsText(JSON.stringify({ ...before, manifests: [...others, entry] }));
  return { bytes, digest: digestOf(bytes) };
}

/** What goes into the file first, and header and table, which make the change when they are written. */
export interface PlannedBlobs {
  readonly pieces: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
  readonly start: Uint8Array;
}

/**
 * Plans an OCI-SIF with further blobs and another root index; blobs in `dropped` (digests) go. Blobs
 * that are there are not added again. Throws a Fault when the table has no room.
 */
export function planBlobs(
  image: SifImage,
  blobs: readonly DigestedText[],
  index: DigestedText,
  dropped: ReadonlySet<string>,
  now: bigint,
): PlannedBlobs {
  const { header } = image;
  const objects = image.objects.filter(
    (one) => one.dataType !== DATA_OCI_ROOT && !dropped.has(digestExtra(one)),
  );
  const there = new Set(objects.map(digestExtra));
  // Behind everything: the file is whole until its table is replaced.
  const table = new BlobTable(header, objects, endOf(image.objects, header.dataOffset), now);
  const add = (dataType: number, { bytes, digest }: DigestedText) => ({
    offset: table.add(dataType, digest, bytes.length),
    bytes,
  });
  const pieces = [];
  for (const blob of blobs) {
    if (there.has(blob.digest)) continue;
    there.add(blob.digest);
    pieces.push(add(DATA_OCI_BLOB, blob));
  }
  pieces.push(add(DATA_OCI_ROOT, index));
  return { pieces, start: table.finish().start };
}

function refName(imageDigest: string): string {
  return `_cosign:${signatureTag(imageDigest)}`;
}

function entriesOf(index: Uint8Array): readonly IndexEntry[] {
  const { manifests } = JSON.parse(decodeOsText(index)) as { readonly manifests?: unknown };
  return Array.isArray(manifests)
    ? manifests.filter((one): one is IndexEntry => typeof one === "object" && one !== null)
    : [];
}
