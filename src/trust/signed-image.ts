import type { ByteSource } from "../base/byte-source.ts";
import { DATA_SIGNATURE } from "../format/sif/codes.ts";
import { GROUP_MASK, groupNumber, type SifDescriptor } from "../format/sif/descriptor.ts";
import type { SifImage } from "../format/sif/image.ts";

/** An image whose signatures are made or verified, wherever its bytes lie. */
export interface SignedImage {
  readonly sif: SifImage;
  /** Descriptor of the file, where it is one: large objects are then read by threads. */
  readonly fd?: number;
  /** The bytes of a range, in order, in pieces of any size. Throws a Fault when they cannot be had. */
  chunks(offset: number, length: number): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

const CHUNK_BYTES = 1024 * 1024;

/** An image on disk. `fd`: its open file. */
export function localSignedImage(sif: SifImage, source: ByteSource, fd?: number): SignedImage {
  return {
    sif,
    ...(fd === undefined ? {} : { fd }),
    *chunks(offset, length) {
      for (let at = 0; at < length; at += CHUNK_BYTES) {
        yield source.read(offset + at, Math.min(CHUNK_BYTES, length - at));
      }
    },
  };
}

/** All bytes of an object that is small by its nature, such as a signature. */
export async function readObject(
  image: SignedImage,
  object: SifDescriptor,
): Promise<Uint8Array<ArrayBuffer>> {
  const out = new Uint8Array(object.sizeBytes);
  let at = 0;
  for await (const piece of image.chunks(object.offset, object.sizeBytes)) {
    out.set(piece, at);
    at += piece.length;
  }
  return out;
}

export function isSignature(object: SifDescriptor): boolean {
  return object.dataType === DATA_SIGNATURE;
}

/** Objects of a group that a signature of it covers, by id; among them the legacy signatures that sit in it. */
export function groupObjects(sif: SifImage, group: number): readonly SifDescriptor[] {
  return sif.objects.filter((o) => o.group === GROUP_MASK + group).sort((a, b) => a.id - b.id);
}

/** Numbers of all groups, ascending. */
export function groupNumbers(sif: SifImage): readonly number[] {
  const numbers = sif.objects.map((o) => groupNumber(o.group));
  return [...new Set(numbers)].filter((one) => one !== 0).sort((a, b) => a - b);
}
