import { type ByteSource, memorySource, sliceSource } from "../base/byte-source.ts";
import { Fault } from "../base/fault.ts";
import { planOciSif } from "../format/ocisif/change.ts";
import { EXT3_LAYER } from "../format/ocisif/media-types.ts";
import { isOciSif, type OciSif, type OciSifLayer, readOciSif } from "../format/ocisif/oci-sif.ts";
import { relayer } from "../format/ocisif/relayer.ts";
import { DATA_SIGNATURE } from "../format/sif/codes.ts";
import type { SifImage } from "../format/sif/image.ts";
import { isBeingWritten } from "../host/range-lock.ts";
import { sha256 } from "../image/ocisif/open-oci-sif.ts";
import { changeSif, type OpenSif, openForReading } from "./_change-sif.ts";

const CHUNK_BYTES = 1024 * 1024;
/** As long as launches wait for each other. */
const LOCK_MS = 3000;
const LOCK_PAUSE_MS = 10;

/** Throws a Fault where an OCI-SIF cannot take an overlay. */
export function checkOciSif(image: SifImage, source: ByteSource, word: string): void {
  const { layers } = readOciSif(image, source, sha256);
  if (layers.at(-1)?.kind === "ext3") {
    throw new Fault("exists", `a writable overlay already exists in ${word}`, {
      hint: "`overlay seal` makes it a layer for good; then another one can be added",
    });
  }
  if (image.objects.some((object) => object.dataType === DATA_SIGNATURE)) {
    throw new Fault("denied", `SIF image ${word} is signed: could not add writable overlay`, {
      hint: "use an overlay in a file of its own, or sign after adding it",
    });
  }
}

/** Adds a file system to an OCI-SIF as its topmost layer. */
export function addOciOverlay(
  path: string,
  word: string,
  layer: ByteSource,
  sparse: boolean,
): void {
  changeOciSif(path, word, (file, oci, source) => {
    checkOciSif(file.image, source, word);
    const added = { digest: digestOf(layer), sizeBytes: layer.sizeBytes };
    const texts = relayer(oci, [...oci.layers, { ...added, mediaType: EXT3_LAYER }], sha256);
    const plan = planOciSif(file.image, oci, { texts, added }, now());
    file.append(plan.layerOffset ?? 0, layer, sparse);
    carryOut(file, plan);
  });
}

/** Brings the digest of an OCI-SIF's overlay up to date; false when it is. Throws a Fault for an image without one. */
export function syncOciOverlay(path: string, word: string): boolean {
  return changeOciSif(path, word, (file, oci, source) => {
    const overlay = unusedOverlay(path, oci, word);
    const { id, offset, sizeBytes } = overlay.object;
    const digest = digestOf(sliceSource(source, offset, sizeBytes));
    if (digest === overlay.digest) return false;
    const layers = oci.layers.map((one) => (one === overlay ? { ...one, digest } : one));
    const texts = relayer(oci, layers, sha256);
    carryOut(file, planOciSif(file.image, oci, { texts, redigested: { id, digest } }, now()));
    return true;
  });
}

/** The overlay of an image. Throws a Fault where it has none. */
export function overlayOf(oci: OciSif, word: string): OciSifLayer {
  const top = oci.layers.at(-1);
  if (top?.kind === "ext3") return top;
  throw new Fault("not-found", `${word}: image does not contain a writable overlay`, {
    hint: "`overlay create` adds one",
  });
}

/** The same where no container writes to it now. */
export function unusedOverlay(path: string, oci: OciSif, word: string): OciSifLayer {
  const overlay = overlayOf(oci, word);
  const { offset, sizeBytes } = overlay.object;
  // The file server of a container that has just ended still writes what is left.
  for (let waited = 0; waited < LOCK_MS; waited += LOCK_PAUSE_MS) {
    if (!isBeingWritten(path, offset, sizeBytes)) return overlay;
    Bun.sleepSync(LOCK_PAUSE_MS);
  }
  throw new Fault("denied", `the overlay of ${word} is in use: a container writes to it`, {
    hint: "wait for it to end",
  });
}

function changeOciSif<T>(
  path: string,
  word: string,
  change: (file: OpenSif, oci: OciSif, source: ByteSource) => T,
): T {
  const opened = openForReading(path);
  try {
    let result: T | undefined;
    changeSif(path, (file) => {
      if (!isOciSif(file.image)) {
        throw new Fault("invalid", `${word} is no OCI-SIF`, {
          hint: "`pull --oci` and `build --oci` make such images",
        });
      }
      result = change(file, readOciSif(file.image, opened.source, sha256), opened.source);
    });
    return result as T;
  } finally {
    opened.close();
  }
}

function carryOut(file: OpenSif, plan: ReturnType<typeof planOciSif>): void {
  for (const { offset, bytes } of plan.pieces) file.append(offset, memorySource(bytes));
  file.write([{ offset: 0, bytes: plan.start }]);
  file.truncate(plan.endBytes);
}

function digestOf(source: ByteSource): string {
  const hash = new Bun.CryptoHasher("sha256");
  for (let at = 0; at < source.sizeBytes; at += CHUNK_BYTES) {
    hash.update(source.read(at, Math.min(CHUNK_BYTES, source.sizeBytes - at)));
  }
  return `sha256:${hash.digest("hex")}`;
}

function now(): bigint {
  return BigInt(Math.floor(Date.now() / 1000));
}
