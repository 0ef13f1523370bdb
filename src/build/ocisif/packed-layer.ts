import { closeSync, ftruncateSync, openSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import type { ByteSource } from "../../base/byte-source.ts";
import { Fault } from "../../base/fault.ts";
import { ExtTree } from "../../format/ext3/tree.ts";
import type { OciLayer } from "../../format/oci/oci-image.ts";
import { layerArchive } from "../../format/ocisif/layer-archive.ts";
import { EXT3_LAYER, SQUASHFS_LAYER } from "../../format/ocisif/media-types.ts";
import { extFiles, squashfsFiles } from "../../format/ocisif/packed-file.ts";
import { SquashfsTree } from "../../format/squashfs/tree.ts";
import { openFile } from "../../host/open-file.ts";
import { decompress } from "../../image/decompress.ts";

/** Where an ext3 overlay keeps its layer. */
const LAYER_DIR = "/upper";

/** Whether a layer is a file system instead of an archive. */
export function isPacked({ mediaType }: OciLayer): boolean {
  return mediaType === SQUASHFS_LAYER || mediaType === EXT3_LAYER;
}

/**
 * A layer that is a file system, as the archive that other layers are. One that does not lie in a file
 * here goes to a temporary one without a name first. Throws a Fault that names the layer.
 *
 * @param onPacked told of its own bytes.
 */
export async function* packedLayer(
  layer: OciLayer,
  onPacked: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  if (layer.source !== undefined) {
    yield* archiveOf(layer, layer.source);
    onPacked(layer.sizeBytes);
    return;
  }
  const path = `${tmpdir()}/skiff-layer-${process.pid}-${crypto.randomUUID().slice(0, 13)}`;
  const fd = openSync(path, "wx+", 0o600);
  try {
    unlinkSync(path);
    for await (const piece of layer.open()) {
      for (let at = 0; at < piece.length; ) at += writeSync(fd, piece, at);
      onPacked(piece.length);
    }
    const opened = openFile(`/proc/self/fd/${fd}`);
    if (typeof opened === "number") throw new Fault("io", `Cannot read the layer ${layer.digest}`);
    try {
      yield* archiveOf(layer, opened.source);
    } finally {
      opened.close();
    }
  } finally {
    ftruncateSync(fd, 0);
    closeSync(fd);
  }
}

function* archiveOf(layer: OciLayer, source: ByteSource): Generator<Uint8Array> {
  try {
    if (layer.mediaType === SQUASHFS_LAYER) {
      yield* layerArchive(squashfsFiles(new SquashfsTree(source, decompress)));
      return;
    }
    const tree = new ExtTree(source);
    if (tree.superblock.needsRecovery) {
      throw new Fault("invalid", "the overlay was not closed after it was written to", {
        hint: "start the image with --writable once, then end it in order",
      });
    }
    yield* layerArchive(extFiles(tree, LAYER_DIR));
  } catch (error) {
    if (!(error instanceof Fault) || error.message.includes(layer.digest)) throw error;
    throw new Fault(error.code, `Cannot use the layer ${layer.digest}: ${error.message}`, {
      cause: error,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }
}
