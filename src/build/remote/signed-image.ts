import type { ByteSource } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import type { ImageAddress } from "../../format/oci/image-address.ts";
import { wantedPlatform } from "../../format/oci/platform.ts";
import {
  DESCRIPTOR_BYTES,
  decodeHeader,
  HEADER_BYTES,
  MAX_CAPACITY,
} from "../../format/sif/header.ts";
import { readSif } from "../../format/sif/image.ts";
import type { TransferHooks } from "../../registry/oci/open-image.ts";
import type { SignedImage } from "../../trust/signed-image.ts";
import { type RemoteAccess, registryOf } from "./access.ts";

/** Header and a table of the default capacity. */
const HEAD_BYTES = 32768;

/** A SIF elsewhere, of which ranges can be had. */
export interface RangedSif {
  readonly sizeBytes: number;
  range(offset: number, end: number): AsyncIterable<Uint8Array>;
}

/**
 * A SIF at an oras:// or library:// address whose signatures are to be verified: table, signatures and
 * the objects that are asked for are fetched, nothing is stored. Throws a Fault for other addresses.
 */
export async function remoteSignedImage(
  address: ImageAddress,
  access: RemoteAccess,
): Promise<SignedImage & { readonly remote: RangedSif }> {
  return await openSignedImage(await openRanged(address, access));
}

/** The same of one whose place is known. */
export async function openSignedImage(
  remote: RangedSif,
): Promise<SignedImage & { readonly remote: RangedSif }> {
  const head = await readHead(remote);
  const source: ByteSource = {
    sizeBytes: remote.sizeBytes,
    read(offset, length) {
      if (offset + length <= head.length) return head.subarray(offset, offset + length);
      throw new Fault("invalid", `Cannot read SIF image: its table lies at ${offset}`);
    },
  };
  return {
    remote,
    sif: readSif(source),
    chunks: (offset, length) => (length === 0 ? [] : remote.range(offset, offset + length)),
  };
}

async function openRanged(address: ImageAddress, access: RemoteAccess): Promise<RangedSif> {
  const { http, places, wish } = access;
  const hooks: TransferHooks = { note: (line) => access.talk.info(line), signal: access.signal };
  const { text } = address;
  if (address.kind === "oras") {
    const { openOrasImage } = await import("../../registry/oras/pull.ts");
    const registry = registryOf(access, address.image.registry);
    const { concurrency } = access;
    const { image } = address;
    return await openOrasImage({ registry, http, image, text, wish, places, concurrency, hooks });
  }
  if (address.kind === "library") {
    const { openLibraryImage } = await import("../../registry/library/pull.ts");
    const place = await access.findLibrary(address.image.host);
    const { arch } = wantedPlatform(wish);
    const parts = { partBytes: access.partBytes, concurrency: access.concurrency };
    return await openLibraryImage({
      http,
      place,
      image: address.image,
      text,
      arch,
      places,
      parts,
      hooks,
    });
  }
  throw new Fault("unsupported", `Cannot verify "${text}": only SIFs carry signatures`, {
    hint: "use an oras:// or library:// address, or pull the image first",
  });
}

/** The bytes up to the end of the table, in one request for nearly every image. */
async function readHead(remote: RangedSif): Promise<Uint8Array> {
  const first = await collect(remote, Math.min(HEAD_BYTES, remote.sizeBytes));
  if (first.length < HEADER_BYTES) return first;
  const { tableOffset, descriptorsTotal } = decodeHeader(first);
  const end = tableOffset + Math.min(descriptorsTotal, MAX_CAPACITY) * DESCRIPTOR_BYTES;
  const isEnough = end <= first.length || end > remote.sizeBytes || tableOffset > HEAD_BYTES;
  return isEnough ? first : await collect(remote, end);
}

async function collect(remote: RangedSif, length: number): Promise<Uint8Array> {
  const out = new Uint8Array(length);
  let at = 0;
  for await (const piece of remote.range(0, length)) {
    out.set(piece.subarray(0, length - at), at);
    at += piece.length;
  }
  return out.subarray(0, Math.min(at, length));
}
