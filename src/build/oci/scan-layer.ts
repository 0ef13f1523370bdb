import { Fault } from "../../base/fault.ts";
import { type LayerMerge, MAX_ENTRIES } from "../../format/oci/merge/layer-merge.ts";
import type { OciLayer } from "../../format/oci/oci-image.ts";
import { storedBytes, type TarEntry } from "../../format/tar/tar-entry.ts";
import { TarReader, type TarSink } from "../../format/tar/tar-reader.ts";
import { isPacked, packedLayer } from "../ocisif/packed-layer.ts";
import type { FileCopier } from "./_file-copier.ts";
import { decompressed } from "./decompress.ts";

/** Limits for what a layer may unpack to. */
export interface UnpackLimits {
  /** Unpacked layers up to this are never refused. */
  readonly freeBytes: number;
  /** Beyond that, unpacked bytes for each packed byte. */
  readonly ratio: number;
}

/**
 * A bomb costs no memory or disk here, only time: zeros become holes. So only what no image has is
 * refused: gzip reaches 1030 with zeros alone.
 */
export const UNPACK_LIMITS: UnpackLimits = { freeBytes: 64 * 2 ** 30, ratio: 1000 };

/** Holes cost time, too: every block of them is looked at. */
const MAX_HOLE_BYTES = 2 ** 40;

const KEPT_PATH = /^[./]*(?:\.singularity\.d|scif\/apps)\//;
/** Longer files are never kept in memory. */
export const KEPT_FILE_BYTES: number = 1024 * 1024;
const KEPT_LAYER_BYTES = 16 * 1024 * 1024;

/** How layers are named in messages. */
export function layerName(layer: OciLayer): string {
  return `layer ${layer.digest}`;
}

/**
 * Unpacked pieces of a layer, with a count of the packed bytes. Refuses what unpacks beyond the limits.
 */
export async function* unpackedLayer(
  layer: OciLayer,
  limits: UnpackLimits,
  onPacked: (bytes: number) => void,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let packed = 0;
  let unpacked = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of layer.open()) {
      signal.throwIfAborted();
      packed += piece.length;
      onPacked(piece.length);
      yield piece;
    }
  };
  if (isPacked(layer)) {
    for await (const piece of packedLayer(layer, onPacked)) {
      signal.throwIfAborted();
      yield piece;
    }
    return;
  }
  for await (const piece of decompressed(counted(), layerName(layer))) {
    unpacked += piece.length;
    if (unpacked > limits.freeBytes && unpacked > packed * limits.ratio) {
      throw new Fault(
        "invalid",
        `Cannot use the ${layerName(layer)}: it unpacks to more than ${unpacked} bytes from ${packed}`,
        { hint: "such a layer is made to fill disks; do not use this image" },
      );
    }
    yield piece;
  }
}

/** Takes contents of layers before the merge tells which are left. */
export interface EarlyContents {
  /** Where the content of this entry goes now; `keep` to have it kept in memory if that is little. */
  begin(entry: TarEntry, ordinal: number, isKeptPath: boolean): FileCopier | "keep" | undefined;
  /** After each piece of the layer, which is the reader's until this resolves. */
  flush(): Promise<void>;
}

/** A layer that is being read: its headers, and all of it, so that its digest is checked. */
export class LayerScan implements TarSink {
  /** Resolves at the end of the layer. */
  readonly done: Promise<void>;
  /** Headers so far. */
  entries: TarEntry[] = [];
  readonly #where: string;
  /** Contents of the small files that say how to run the image, by number of the entry. */
  readonly #contents = new Map<number, Uint8Array>();
  #held = new Uint8Array(0);
  #at = 0;
  #ordinal = 0;
  #left = KEPT_LAYER_BYTES;
  #holeBytes = 0;
  readonly #early: EarlyContents | undefined;
  #copier: FileCopier | undefined;

  /**
   * Begins to read.
   *
   * @param early takes contents while they come by.
   */
  constructor(
    layer: OciLayer,
    limits: UnpackLimits,
    onPacked: (bytes: number) => void,
    signal: AbortSignal,
    early?: EarlyContents,
  ) {
    this.#where = layerName(layer);
    this.#early = early;
    this.done = this.#read(unpackedLayer(layer, limits, onPacked, signal));
    // Its error is met when its turn comes.
    this.done.catch(() => {});
  }

  /** Adds the layer, when all of it has been read, and forgets it. Throws the Fault of the merge. */
  mergeInto(merge: LayerMerge): void {
    merge.beginLayer(this.#where);
    for (const [ordinal, entry] of this.entries.entries()) {
      const added = merge.add(entry, ordinal);
      const content = this.#contents.get(ordinal);
      // A further name of a file has none of its own.
      if (content !== undefined && added !== undefined) added.node.content = content;
    }
    this.entries = [];
    this.#contents.clear();
  }

  async #read(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const reader = new TarReader(this, this.#where);
    try {
      for await (const piece of pieces) {
        reader.push(piece);
        await this.#early?.flush();
      }
    } catch (error) {
      // Some writers leave bytes behind the archive that are no part of the compressed stream.
      if (!reader.isEnded || !(error instanceof Fault) || !/^Cannot unpack/.test(error.message)) {
        throw error;
      }
    }
    reader.end();
  }

  entry(entry: TarEntry, ordinal: number): boolean {
    if (this.entries.push(entry) > MAX_ENTRIES) {
      throw new Fault("invalid", `Cannot use the ${this.#where}: more than ${MAX_ENTRIES} entries`);
    }
    const { sizeBytes } = entry;
    if (entry.sparse !== undefined) this.#countHoles(entry);
    const isKeptPath = KEPT_PATH.test(entry.path);
    const answer = this.#early?.begin(entry, ordinal, isKeptPath);
    this.#copier = typeof answer === "object" ? answer : undefined;
    if (this.#copier !== undefined) return true;
    const isKept =
      entry.kind === "file" &&
      entry.sparse === undefined &&
      sizeBytes <= Math.min(KEPT_FILE_BYTES, this.#left) &&
      (isKeptPath || answer === "keep");
    if (!isKept) return false;
    this.#held = new Uint8Array(sizeBytes);
    this.#at = 0;
    this.#ordinal = ordinal;
    this.#left -= sizeBytes;
    return true;
  }

  data(bytes: Uint8Array): void {
    if (this.#copier !== undefined) {
      this.#copier.data(bytes);
      return;
    }
    this.#held.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  endOfData(): void {
    if (this.#copier !== undefined) this.#copier.end();
    else this.#contents.set(this.#ordinal, this.#held);
  }

  #countHoles(entry: TarEntry): void {
    this.#holeBytes += entry.sizeBytes - storedBytes(entry);
    if (this.#holeBytes <= MAX_HOLE_BYTES) return;
    throw new Fault(
      "invalid",
      `Cannot use the ${this.#where}, at "${entry.path}": its holes come to ${this.#holeBytes} bytes`,
      { hint: "such a layer is made to fill disks; do not use this image" },
    );
  }
}
