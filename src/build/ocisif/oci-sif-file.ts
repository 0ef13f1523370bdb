import { closeSync, createReadStream, ftruncateSync, openSync, rmSync, writeSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import type { ImageTexts, NamedLayer } from "../../format/ocisif/image-texts.ts";
import { distinctLayers, firstLayerOffset, layoutOciSif } from "../../format/ocisif/layout.ts";
import { EXT3_LAYER } from "../../format/ocisif/media-types.ts";
import { finishSif } from "../pack/finish-sif.ts";

const CHUNK_BYTES = 1024 * 1024;

/** An OCI-SIF that is being written under a temporary name: layer after layer, then the rest. */
export class OciSifFile {
  readonly path: string;
  /** Where the next layer goes. */
  endBytes: number;
  readonly #slots: number;
  readonly #layers: NamedLayer[] = [];

  /** @param slots how many layers there will be at most. */
  constructor(path: string, slots: number) {
    this.path = path;
    this.#slots = slots;
    this.endBytes = firstLayerOffset(slots);
  }

  /** Takes the next layer from a stream, in the order of its bytes. */
  async takePieces(
    mediaType: string,
    pieces: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<NamedLayer> {
    const hash = new Bun.CryptoHasher("sha256");
    const start = this.endBytes;
    let at = start;
    const fd = openSync(this.path, this.#layers.length === 0 ? "w" : "r+");
    try {
      for await (const piece of pieces) {
        signal.throwIfAborted();
        hash.update(piece);
        // An overlay is mostly room that is not used yet.
        const isHole = mediaType === EXT3_LAYER && !piece.some((byte) => byte !== 0);
        for (let done = isHole ? piece.length : 0; done < piece.length; ) {
          done += writeSync(fd, piece, done, piece.length - done, at + done);
        }
        at += piece.length;
      }
      const layer = this.#add(mediaType, `sha256:${hash.digest("hex")}`, at - start);
      // One that is there already is not kept twice.
      ftruncateSync(fd, this.endBytes);
      return layer;
    } finally {
      closeSync(fd);
    }
  }

  /** The same of a file, which is removed. */
  async takeFile(mediaType: string, path: string, signal: AbortSignal): Promise<NamedLayer> {
    const layer = await this.takePieces(mediaType, read(path, 0), signal);
    rmSync(path);
    return layer;
  }

  /** Takes as the first layer what has been written to this file at `endBytes` already. */
  async takeWritten(
    mediaType: string,
    sizeBytes: number,
    signal: AbortSignal,
  ): Promise<NamedLayer> {
    const hash = new Bun.CryptoHasher("sha256");
    for await (const piece of read(this.path, this.endBytes)) {
      signal.throwIfAborted();
      hash.update(piece);
    }
    return this.#add(mediaType, `sha256:${hash.digest("hex")}`, sizeBytes);
  }

  /** Writes header, table and texts, and gives the file its name. Throws a Fault. */
  finish(texts: ImageTexts, target: string): void {
    const layers = distinctLayers(this.#layers);
    const { head, offsets } = layoutOciSif(layers, texts, this.#slots);
    const { config, manifest, index } = texts;
    const ends = [config, manifest, index].map(({ bytes }, i) => ({
      offset: offsets[layers.length + i] ?? 0,
      bytes,
    }));
    try {
      finishSif(this.path, [{ offset: 0, bytes: head }, ...ends], target);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Fault("io", `while creating SIF: Cannot write "${target}": ${reason}`, { cause });
    }
  }

  #add(mediaType: string, digest: string, sizeBytes: number): NamedLayer {
    const layer = { mediaType, digest, sizeBytes };
    if (!this.#layers.some((one) => one.digest === digest)) this.endBytes += sizeBytes;
    this.#layers.push(layer);
    return layer;
  }
}

function read(path: string, start: number): AsyncIterable<Uint8Array> {
  return createReadStream(path, { start, highWaterMark: CHUNK_BYTES });
}
