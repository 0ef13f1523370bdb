import { mergeWhileWriting } from "../../src/build/oci/merge-while-writing.ts";
import { LayerScan, UNPACK_LIMITS } from "../../src/build/oci/scan-layer.ts";
import { writeMerged } from "../../src/build/oci/write-merged.ts";
import type { KeptMarks } from "../../src/format/oci/merge/kept-marks.ts";
import { LayerMerge } from "../../src/format/oci/merge/layer-merge.ts";
import { planOutput } from "../../src/format/oci/merge/merge-output.ts";
import type { OciImage } from "../../src/format/oci/oci-image.ts";
import type { TarEntry } from "../../src/format/tar/tar-entry.ts";
import { TarReader } from "../../src/format/tar/tar-reader.ts";

const LATEST = 2_000_000_000;
const IMPLIED = 9;

/** An image in memory; `opened` counts how often each layer is read. */
export function imageOf(
  layers: readonly Uint8Array<ArrayBuffer>[],
  opened: number[] = [],
): OciImage {
  return {
    reference: "test",
    manifestDigest: `sha256:${"0".repeat(64)}`,
    config: new Uint8Array(0),
    layers: layers.map((bytes, index) => ({
      mediaType: "",
      digest: `sha256:${String(index).repeat(64)}`,
      sizeBytes: bytes.length,
      async *open() {
        opened[index] = (opened[index] ?? 0) + 1;
        for (let at = 0; at < bytes.length; at += 7000) yield bytes.slice(at, at + 7000);
      },
    })),
  };
}

/** The archive of the merged root, by reading headers first and contents then. */
export async function twoPasses(image: OciImage, marks?: KeptMarks): Promise<Uint8Array> {
  const archive = new Archive();
  const { signal } = new AbortController();
  const merge = new LayerMerge(IMPLIED, marks);
  for (const layer of image.layers) {
    const scan = new LayerScan(layer, UNPACK_LIMITS, () => {}, signal);
    await scan.done;
    scan.mergeInto(merge);
  }
  marks?.finish(merge.root, undefined);
  const output = planOutput(merge.root, image.layers.length);
  await writeMerged(image, output, LATEST, archive.write, signal);
  return archive.bytes;
}

/** The archive of the merged root, written while its layers are read; undefined when they were foreseen wrongly. */
export async function onePass(image: OciImage, marks?: KeptMarks): Promise<Uint8Array | undefined> {
  const archive = new Archive();
  const { write } = archive;
  const { signal } = new AbortController();
  const choices = marks === undefined ? {} : { marks };
  const merged = await mergeWhileWriting(image, IMPLIED, LATEST, write, () => {}, signal, choices);
  marks?.finish(merged.root, undefined);
  const output = planOutput(merged.root, image.layers.length, merged.written);
  if (!output.isForeseen) return undefined;
  await writeMerged(image, output, LATEST, write, signal);
  return archive.bytes;
}

class Archive {
  readonly #pieces: Uint8Array[] = [];
  readonly write = async (pieces: readonly Uint8Array[]): Promise<void> => {
    for (const piece of pieces) this.#pieces.push(piece.slice());
  };

  get bytes(): Uint8Array {
    return Uint8Array.from(Buffer.concat(this.#pieces));
  }
}

/**
 * What an archive unpacks to, a line for each name. Throws for names that are not clean or come twice,
 * for parents that are never described, and for hard links to what has not come yet.
 */
export function listArchive(archive: Uint8Array): ReadonlyMap<string, string> {
  const lines = new Map<string, string>();
  const names = new Map<string, string[]>();
  let entry: TarEntry | undefined;
  let hash = new Bun.CryptoHasher("sha256");
  const sink = {
    entry(made: TarEntry): boolean {
      const parts = made.path.split("/");
      const isClean = parts.every((part) => part !== "" && part !== "." && part !== "..");
      if (!isClean || names.has(made.path)) throw new Error(`bad name: ${made.path}`);
      const group = made.kind === "hardlink" ? names.get(made.link) : [];
      if (group === undefined) throw new Error(`link before its file: ${made.path}`);
      group.push(made.path);
      names.set(made.path, group);
      if (made.kind !== "hardlink") lines.set(made.path, describe(made));
      entry = made;
      hash = new Bun.CryptoHasher("sha256");
      return made.kind === "file";
    },
    data: (bytes: Uint8Array): void => void hash.update(bytes),
    endOfData(): void {
      const path = entry?.path ?? "";
      lines.set(path, `${lines.get(path)} ${hash.digest("hex")}`);
    },
  };
  const reader = new TarReader(sink, "merged archive");
  reader.push(archive);
  reader.end();
  const all = new Map<string, string>();
  for (const [path, group] of names) {
    const parent = path.split("/").slice(0, -1).join("/");
    if (parent !== "" && lines.get(parent)?.startsWith("dir ") !== true) {
      throw new Error(`no parent: ${path}`);
    }
    all.set(path, `${lines.get(group[0] ?? "")} ${group.toSorted().join(" ")}`);
  }
  return all;
}

function describe(entry: TarEntry): string {
  const { kind, mode, uid, gid, mtimeSeconds, sizeBytes, link, major, minor, sparse } = entry;
  const xattrs = [...entry.xattrs].map(([name, value]) => [name, [...value]]);
  const words = [kind, mode, uid, gid, mtimeSeconds, sizeBytes, link, major, minor];
  return [...words, JSON.stringify(sparse), JSON.stringify(xattrs)].join(" ");
}
