import { nodeHeader } from "../../format/oci/merge/merge-output.ts";
import type { MergedNode } from "../../format/oci/merge/merged-node.ts";
import { alignSparse, SparseFiller } from "../../format/tar/align-sparse.ts";
import { storedBytes, type TarEntry } from "../../format/tar/tar-entry.ts";
import { paddingOf } from "../../format/tar/tar-reader.ts";
import type { Write } from "./write-merged.ts";

/** Turns files of layers into those of the merged archive, piece by piece. */
export class FileCopier {
  readonly #latest: number;
  #pieces: Uint8Array[] = [];
  #padding = 0;
  #filler: SparseFiller | undefined;

  /** @param latest no time in the archive is later; seconds since 1970. */
  constructor(latest: number) {
    this.#latest = latest;
  }

  /** A file under its path in the archive; `entry` is how its layer has it. */
  begin(path: string, node: MergedNode, entry: TarEntry): void {
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
    this.#pieces.push(nodeHeader(path, node, sparse, this.#latest));
  }

  data(bytes: Uint8Array): void {
    if (this.#filler === undefined) this.#pieces.push(bytes);
    else this.#filler.take(bytes, this.#pieces);
  }

  end(): void {
    this.#filler?.end(this.#pieces);
    if (this.#padding > 0) this.#pieces.push(new Uint8Array(this.#padding));
  }

  /** Writes what has come. */
  async flush(write: Write): Promise<void> {
    if (this.#pieces.length > 0) await write(this.#pieces);
    this.#pieces = [];
  }
}
