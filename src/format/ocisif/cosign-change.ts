import { Fault } from "../../base/fault.ts";
import { decodeOsText, encodeOsText } from "../../base/os-text.ts";
import { signatureTag } from "../cosign/simple-signing.ts";
import { OCI_MANIFEST } from "../oci/manifest.ts";
import { DATA_OCI_BLOB, DATA_OCI_ROOT } from "../sif/codes.ts";
import { GROUP_MASK, NAME_BYTES, type SifDescriptor } from "../sif/descriptor.ts";
import { encodeStart } from "../sif/edit.ts";
import { digestExtra, encodeDigestExtra } from "../sif/extra.ts";
import { isDeterministic, ZERO_TIME } from "../sif/header.ts";
import type { SifImage } from "../sif/image.ts";
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
  const time = isDeterministic(header) ? ZERO_TIME : now;
  const objects = image.objects.filter(
    (one) => one.dataType !== DATA_OCI_ROOT && !dropped.has(digestExtra(one)),
  );
  // Behind everything: the file is whole until its table is replaced.
  let at = image.objects.reduce(
    (end, o) => Math.max(end, o.offset + o.sizeBytes),
    header.dataOffset,
  );
  const pieces: { offset: number; bytes: Uint8Array }[] = [];
  const add = (dataType: number, { bytes, digest }: DigestedText): void => {
    const used = new Set(objects.map(({ slot }) => slot));
    let slot = 0;
    while (used.has(slot)) slot++;
    if (slot >= header.descriptorsTotal) {
      throw new Fault(
        "failed",
        "insufficient descriptor capacity to add a signature to the image",
        {
          hint: "pull the image again, which gives its table more room",
        },
      );
    }
    const object: SifDescriptor = {
      ...{ slot, dataType, id: slot + 1, group: GROUP_MASK + 1, link: 0 },
      ...{ offset: at, sizeBytes: bytes.length, paddedBytes: bytes.length },
      ...{ createdAt: time, modifiedAt: time, uid: 0n, gid: 0n },
      name: new Uint8Array(NAME_BYTES),
      extra: encodeDigestExtra(digest),
    };
    objects.push(object);
    pieces.push({ offset: at, bytes });
    at += bytes.length;
  };
  for (const blob of blobs) {
    if (!objects.some((one) => digestExtra(one) === blob.digest)) add(DATA_OCI_BLOB, blob);
  }
  add(DATA_OCI_ROOT, index);
  objects.sort((a, b) => a.slot - b.slot);
  const start = encodeStart({
    header: {
      ...header,
      modifiedAt: time,
      descriptorsFree: header.descriptorsTotal - objects.length,
      dataBytes: at - header.dataOffset,
    },
    objects,
  });
  return { pieces, start };
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
