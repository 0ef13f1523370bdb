import { rmSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { type MergeOutput, planOutput } from "../../format/oci/merge/merge-output.ts";
import type { MergedNode } from "../../format/oci/merge/merged-node.ts";
import type { OciImage } from "../../format/oci/oci-image.ts";
import { packStream, type StreamInput } from "./squashfs-stream.ts";
import { type Write, writeMerged } from "./write-merged.ts";

/** A merged root, and what of it is still to be written. */
export interface MergedRoot {
  readonly root: MergedNode;
  readonly output: MergeOutput;
}

/**
 * Packs an image whose layers are written while they are merged. Where much was not foreseen, it is packed
 * once more of what the merge gave.
 *
 * @param latest no time in the archive is later; seconds since 1970.
 * @param merge reads the layers and writes what is foreseen to be left of them.
 */
export async function packOnce<Merged extends MergedRoot>(
  image: OciImage,
  latest: number,
  stream: StreamInput,
  merge: (write: Write) => Promise<Merged>,
): Promise<Merged> {
  const { signal, target, tool } = stream;
  const merged: { done?: Merged } = {};
  try {
    await packStream(stream, async (write) => {
      merged.done = await merge(write);
      if (!merged.done.output.isForeseen) throw new Unforeseen();
      await writeMerged(image, merged.done.output, latest, write, signal);
    });
  } catch (error) {
    const isUnforeseen = error instanceof Fault && error.cause instanceof Unforeseen;
    if (merged.done === undefined || !isUnforeseen) throw error;
    rmSync(target, { force: true });
    const output = planOutput(merged.done.root, image.layers.length);
    await packStream(stream, (write) => writeMerged(image, output, latest, write, signal));
  }
  if (merged.done !== undefined) return merged.done;
  throw new Fault("failed", `while creating squashfs: "${tool}" ended before the archive did`);
}

class Unforeseen extends Error {}
