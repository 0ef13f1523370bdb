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

/** A program that takes the archive of a merged root. */
export interface ArchiveTaker {
  /** Runs it on what `produce` writes. Throws a Fault, with what producing threw as its cause. */
  run(produce: (write: Write) => Promise<void>): Promise<void>;
  /** Removes what it has made, so that it can run once more. */
  reset(): void;
  readonly signal: AbortSignal;
}

/**
 * Packs an image whose layers are written while they are merged.
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
  const merged = await writeOnce(
    image,
    latest,
    {
      run: (produce) => packStream(stream, produce),
      reset: () => rmSync(target, { force: true }),
      signal,
    },
    merge,
  );
  if (merged !== undefined) return merged;
  throw new Fault("failed", `while creating squashfs: "${tool}" ended before the archive did`);
}

/**
 * Writes an image for a program while its layers are merged. Where much was not foreseen, it is written
 * once more of what the merge gave. Undefined when the program ended before the merge did.
 */
export async function writeOnce<Merged extends MergedRoot>(
  image: OciImage,
  latest: number,
  taker: ArchiveTaker,
  merge: (write: Write) => Promise<Merged>,
): Promise<Merged | undefined> {
  const { signal } = taker;
  const merged: { done?: Merged } = {};
  try {
    await taker.run(async (write) => {
      merged.done = await merge(write);
      if (!merged.done.output.isForeseen) throw new Unforeseen();
      await writeMerged(image, merged.done.output, latest, write, signal);
    });
  } catch (error) {
    const isUnforeseen = error instanceof Fault && error.cause instanceof Unforeseen;
    if (merged.done === undefined || !isUnforeseen) throw error;
    taker.reset();
    const output = planOutput(merged.done.root, image.layers.length);
    await taker.run((write) => writeMerged(image, output, latest, write, signal));
  }
  return merged.done;
}

class Unforeseen extends Error {}
