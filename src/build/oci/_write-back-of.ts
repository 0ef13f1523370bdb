import { closeSync, fstatSync, openSync } from "node:fs";
import { WriteBack } from "../../image/write-back.ts";
import type { Write } from "./write-merged.ts";

const LOOK_BYTES = 16 * 1024 * 1024;

/** Looks after so many written bytes how long a file has become, and has it sent to its disk. */
export class WriteBackOf {
  readonly #path: string;
  #fd: number | undefined;
  #writeBack: WriteBack | undefined;
  #bytes = 0;

  /** @param path a file that the reader of what is written makes. */
  constructor(path: string) {
    this.#path = path;
  }

  through(write: Write): Write {
    return async (pieces) => {
      await write(pieces);
      for (const piece of pieces) this.#bytes += piece.length;
      if (this.#bytes < LOOK_BYTES) return;
      this.#bytes = 0;
      this.#look();
    };
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }

  #look(): void {
    try {
      this.#fd ??= openSync(this.#path, "r+");
      this.#writeBack ??= new WriteBack(this.#fd, 0);
      this.#writeBack.writtenTo(fstatSync(this.#fd).size);
    } catch {
      // Not there yet.
    }
  }
}
