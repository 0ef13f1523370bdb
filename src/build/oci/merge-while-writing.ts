import { Fault } from "../../base/fault.ts";
import { Foresight } from "../../format/oci/merge/foresight.ts";
import type { KeptMarks } from "../../format/oci/merge/kept-marks.ts";
import { LayerMerge, MAX_ENTRIES } from "../../format/oci/merge/layer-merge.ts";
import type { WrittenFiles } from "../../format/oci/merge/merge-output.ts";
import { type MergedNode, nodeOf } from "../../format/oci/merge/merged-node.ts";
import type { OciImage } from "../../format/oci/oci-image.ts";
import type { TarEntry } from "../../format/tar/tar-entry.ts";
import { FileCopier } from "./_file-copier.ts";
import { type ConvertProgress, countPacked } from "./convert-progress.ts";
import {
  type EarlyContents,
  KEPT_FILE_BYTES,
  LayerScan,
  layerName,
  UNPACK_LIMITS,
} from "./scan-layer.ts";
import type { Write } from "./write-merged.ts";

/** A merged root of which much is in the archive already. */
export interface EarlyMerge {
  readonly root: MergedNode;
  /** By layer from the bottom: for `planOutput`. */
  readonly written: readonly WrittenFiles[];
}

/** Choices about a merge. */
export interface MergeChoices {
  /** For an image of one layer that stays a layer: its marks of removal go there. */
  readonly marks?: KeptMarks;
  /** Makes of a file what is to be written of it; the same is to be done to the merged root. */
  fit?(node: MergedNode): void;
}

/** Layers with more are worth a look at the heap. */
const MANY_ENTRIES = 20_000;
/** Contents whose fate is unknown are kept in memory up to this, in all layers together. */
const KEPT_BYTES = 32 * 1024 * 1024;

/**
 * Reads the layers of an image from the topmost down and writes what is foreseen to be left of each
 * while it is read; then merges their headers from the bottom. So a layer is decompressed once, unless
 * much of it was not foreseen.
 *
 * @param impliedTime of directories that no entry describes, in seconds since 1970.
 * @param latest no time in the archive is later; seconds since 1970.
 */
export async function mergeWhileWriting(
  image: OciImage,
  impliedTime: number,
  latest: number,
  write: Write,
  progress: (event: ConvertProgress) => void,
  signal: AbortSignal,
  choices: MergeChoices = {},
): Promise<EarlyMerge> {
  const { layers } = image;
  const early = new EarlyWriter(latest, write, choices);
  const onPacked = countPacked(image, progress);
  const scans: LayerScan[] = [];
  let entries = 0;
  for (const [below, layer] of layers.toReversed().entries()) {
    early.beginLayer(below === layers.length - 1);
    const scan = new LayerScan(layer, UNPACK_LIMITS, onPacked, signal, early);
    await scan.done;
    early.endLayer(scan.entries);
    entries += scan.entries.length;
    if (entries > MAX_ENTRIES) {
      const where = layerName(layer);
      throw new Fault("invalid", `Cannot use the ${where}: more than ${MAX_ENTRIES} entries`);
    }
    scans.push(scan);
    collectGarbage(scan.entries.length);
  }
  const merge = new LayerMerge(impliedTime, choices.marks);
  for (let scan = scans.pop(); scan !== undefined; scan = scans.pop()) {
    const { length } = scan.entries;
    scan.mergeInto(merge);
    collectGarbage(length);
  }
  return { root: merge.root, written: early.written.reverse() };
}

/** After a layer. Left to itself the heap grows by as much again before it is looked at. */
function collectGarbage(entries: number): void {
  if (entries >= MANY_ENTRIES) Bun.gc(true);
}

/** Writes what is foreseen to stay. */
class EarlyWriter implements EarlyContents {
  /** The topmost layer's first. */
  readonly written: Map<number, { readonly path: string; readonly mode: number }>[] = [];
  readonly #foresight = new Foresight();
  readonly #copier: FileCopier;
  readonly #write: Write;
  readonly #choices: MergeChoices;
  #keptBytes = 0;

  constructor(latest: number, write: Write, choices: MergeChoices) {
    this.#copier = new FileCopier(latest);
    this.#write = write;
    this.#choices = choices;
  }

  beginLayer(isBottom: boolean): void {
    this.#foresight.beginLayer(isBottom);
    this.written.push(new Map());
  }

  endLayer(entries: readonly TarEntry[]): void {
    this.#foresight.endLayer(entries);
  }

  begin(entry: TarEntry, ordinal: number, isKeptPath: boolean): FileCopier | "keep" | undefined {
    const { path, fate } = this.#foresight.foresee(entry);
    const { kind, sizeBytes } = entry;
    if (kind !== "file" || sizeBytes === 0 || isKeptPath || fate === "hidden") return undefined;
    // Files beside the root's directories may be replaced by those that every image has.
    if (fate === "unknown" || !path.includes("/")) {
      const isLong = sizeBytes > KEPT_FILE_BYTES || entry.sparse !== undefined;
      if (isLong || this.#keptBytes + sizeBytes > KEPT_BYTES) return undefined;
      this.#keptBytes += sizeBytes;
      return "keep";
    }
    const { marks } = this.#choices;
    const node = nodeOf({ ...(marks?.plain(entry) ?? entry), kind }, 0, ordinal);
    this.#choices.fit?.(node);
    this.written.at(-1)?.set(ordinal, { path, mode: node.mode });
    this.#copier.begin(path, node, entry);
    return this.#copier;
  }

  async flush(): Promise<void> {
    await this.#copier.flush(this.#write);
  }
}
