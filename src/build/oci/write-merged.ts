import { Fault } from "../../base/fault.ts";
import {
  linkHeader,
  type MergedFile,
  type MergeOutput,
  nodeHeader,
} from "../../format/oci/merge/merge-output.ts";
import type { OciImage, OciLayer } from "../../format/oci/oci-image.ts";
import type { TarEntry } from "../../format/tar/tar-entry.ts";
import { paddingOf, TarReader, type TarSink } from "../../format/tar/tar-reader.ts";
import { TAR_END } from "../../format/tar/tar-writer.ts";
import { FileCopier } from "./_file-copier.ts";
import { layerName, UNPACK_LIMITS, unpackedLayer } from "./scan-layer.ts";

const PIECES_AT_ONCE = 256;

/** Takes the next bytes; resolves when more may come. The bytes are the taker's until then only. */
export type Write = (pieces: readonly Uint8Array[]) => Promise<void>;

/**
 * Writes the merged root of an image as one tar archive, or what is not yet in it. Layers of which
 * nothing is left to write are not read.
 *
 * @param latest no time in the archive is later; seconds since 1970.
 */
export async function writeMerged(
  image: OciImage,
  output: MergeOutput,
  latest: number,
  write: Write,
  signal: AbortSignal,
): Promise<void> {
  let pieces: Uint8Array[] = [];
  /** Headers are small: they are written many at a time. */
  const add = async (...more: readonly Uint8Array[]): Promise<void> => {
    pieces.push(...more);
    if (pieces.length < PIECES_AT_ONCE) return;
    await write(pieces);
    pieces = [];
  };
  for (const { path, node } of output.first) {
    const { content } = node;
    const header = nodeHeader(path, node, undefined, latest);
    if (content === undefined) await add(header);
    else await add(header, content, new Uint8Array(paddingOf(content.length)));
  }
  await write(pieces);
  pieces = [];
  for (const [index, layer] of image.layers.entries()) {
    const files = output.streamed[index];
    if (files === undefined || files.size === 0) continue;
    const sink = new CopySink(files, layerName(layer), latest);
    await copyLayer(layer, sink, write, signal);
  }
  for (const { path, target, node } of output.links) {
    await add(linkHeader(path, target, node, latest));
  }
  await write([...pieces, TAR_END]);
}

async function copyLayer(
  layer: OciLayer,
  sink: CopySink,
  write: Write,
  signal: AbortSignal,
): Promise<void> {
  const reader = new TarReader(sink, layerName(layer));
  try {
    for await (const piece of unpackedLayer(layer, UNPACK_LIMITS, () => {}, signal)) {
      reader.push(piece);
      await sink.copier.flush(write);
    }
  } catch (error) {
    if (!reader.isEnded || !(error instanceof Fault) || !/^Cannot unpack/.test(error.message)) {
      throw error;
    }
  }
  reader.end();
  if (sink.copied !== sink.expected) throw changed(layerName(layer));
}

/** Collects what a piece of a layer adds to the archive. */
class CopySink implements TarSink {
  readonly copier: FileCopier;
  copied = 0;
  readonly #files: ReadonlyMap<number, MergedFile>;
  readonly #where: string;

  constructor(files: ReadonlyMap<number, MergedFile>, where: string, latest: number) {
    this.#files = files;
    this.#where = where;
    this.copier = new FileCopier(latest);
  }

  get expected(): number {
    return this.#files.size;
  }

  entry(entry: TarEntry, ordinal: number): boolean {
    const file = this.#files.get(ordinal);
    if (file === undefined) return false;
    if (entry.kind !== "file" || entry.sizeBytes !== file.node.sizeBytes) {
      throw changed(this.#where);
    }
    this.copier.begin(file.path, file.node, entry);
    return true;
  }

  data(bytes: Uint8Array): void {
    this.copier.data(bytes);
  }

  endOfData(): void {
    this.copied++;
    this.copier.end();
  }
}

function changed(where: string): Fault {
  return new Fault("io", `Cannot read the ${where}: it changed while it was read`);
}
