import { Fault } from "../../base/fault.ts";
import {
  linkHeader,
  type MergedFile,
  type MergeOutput,
  nodeHeader,
} from "../../format/oci/merge/merge-output.ts";
import type { OciImage, OciLayer } from "../../format/oci/oci-image.ts";
import { alignSparse, SparseFiller } from "../../format/tar/align-sparse.ts";
import { storedBytes, type TarEntry } from "../../format/tar/tar-entry.ts";
import { paddingOf, TarReader, type TarSink } from "../../format/tar/tar-reader.ts";
import { TAR_END } from "../../format/tar/tar-writer.ts";
import { type ConvertProgress, totalOf } from "./merge-image.ts";
import { layerName, UNPACK_LIMITS, unpackedLayer } from "./scan-layer.ts";

const PIECES_AT_ONCE = 256;

/** Takes the next bytes; resolves when more may come. The bytes are the taker's until then only. */
export type Write = (pieces: readonly Uint8Array[]) => Promise<void>;

/**
 * Second pass over an image: writes its merged root as one tar archive. Layers of which nothing is
 * left are not read again.
 *
 * @param latest no time in the archive is later; seconds since 1970.
 */
export async function writeMerged(
  image: OciImage,
  output: MergeOutput,
  latest: number,
  write: Write,
  progress: (event: ConvertProgress) => void,
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
  const needed = image.layers.filter((_, index) => (output.streamed[index]?.size ?? 0) > 0);
  const totalBytes = totalOf(needed);
  let doneBytes = 0;
  for (const [index, layer] of image.layers.entries()) {
    const files = output.streamed[index];
    if (files === undefined || files.size === 0) continue;
    const sink = new CopySink(files, layerName(layer), latest);
    const onPacked = (bytes: number): void => {
      doneBytes += bytes;
      progress({ phase: "write", doneBytes, totalBytes });
    };
    await copyLayer(layer, sink, write, onPacked, signal);
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
  onPacked: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const reader = new TarReader(sink, layerName(layer));
  try {
    for await (const piece of unpackedLayer(layer, UNPACK_LIMITS, onPacked, signal)) {
      reader.push(piece);
      if (sink.pieces.length > 0) await write(sink.pieces);
      sink.pieces = [];
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
  pieces: Uint8Array[] = [];
  copied = 0;
  readonly #files: ReadonlyMap<number, MergedFile>;
  readonly #where: string;
  readonly #latest: number;
  #padding = 0;
  #filler: SparseFiller | undefined;

  constructor(files: ReadonlyMap<number, MergedFile>, where: string, latest: number) {
    this.#files = files;
    this.#where = where;
    this.#latest = latest;
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
    this.#filler = undefined;
    let sparse = entry.sparse;
    if (sparse !== undefined) {
      const aligned = alignSparse(sparse, entry.sizeBytes);
      this.#filler = new SparseFiller(sparse, aligned, entry.sizeBytes);
      const isWhole = aligned.length === 1 && aligned[0]?.length === entry.sizeBytes;
      sparse = isWhole ? undefined : aligned;
    }
    const written = storedBytes({ sizeBytes: entry.sizeBytes, sparse });
    this.#padding = paddingOf(written);
    this.pieces.push(nodeHeader(file.path, file.node, sparse, this.#latest));
    return true;
  }

  data(bytes: Uint8Array): void {
    if (this.#filler === undefined) this.pieces.push(bytes);
    else this.#filler.take(bytes, this.pieces);
  }

  endOfData(): void {
    this.copied++;
    this.#filler?.end(this.pieces);
    if (this.#padding > 0) this.pieces.push(new Uint8Array(this.#padding));
  }
}

function changed(where: string): Fault {
  return new Fault("io", `Cannot read the ${where}: it changed while it was read`);
}
