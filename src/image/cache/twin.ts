import { constants, copyFileSync, rmSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { BlockFile } from "./_block-file.ts";
import { LARGE_BYTES } from "./_hashing-writer.ts";

/**
 * A copy of a file of the cache that is written while that file is fetched, so that nothing is left to
 * be copied afterwards. Not where the file system shares blocks between copies, which costs nothing.
 * A twin that cannot be written is given up: who wants the copy makes it then, and meets the reason.
 */
export class Twin {
  /** Where it is written: the caller takes it from there, or removes it. */
  readonly path: string;
  #file: FileHandle | undefined;
  #blocks: BlockFile | undefined;
  #isWhole = false;

  constructor(path: string) {
    this.path = path;
  }

  /** Whether it is there, whole and flushed. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Begins, as the file of the cache does. @param empty a file on the file system of the cache. */
  async begin(empty: string, sizeBytes: number): Promise<void> {
    try {
      copyFileSync(empty, this.path, constants.COPYFILE_FICLONE_FORCE);
      rmSync(this.path, { force: true });
      return;
    } catch {
      // Blocks are not shared.
    }
    try {
      this.#file = await open(this.path, "wx", 0o600);
      // Of a long image, a start reads little; a short one may as well be in memory for it.
      this.#blocks = await BlockFile.of(this.#file, this.path, 0, sizeBytes >= LARGE_BYTES);
    } catch {
      // The copy will meet the reason.
    }
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    if (this.#file === undefined) return;
    try {
      await this.#blocks?.write(bytes, position);
    } catch {
      await this.drop();
    }
  }

  /** The file of the cache is whole: so is this when it has reached the disk. */
  async finish(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    try {
      await this.#blocks?.end();
      await file.sync();
      await file.close();
      this.#file = undefined;
      this.#isWhole = true;
    } catch {
      await this.drop();
    }
  }

  /** Gives it up, unless it is whole. */
  async drop(): Promise<void> {
    if (this.#isWhole) return;
    const file = this.#file;
    this.#file = undefined;
    rmSync(this.path, { force: true });
    await this.#blocks?.end().catch(() => undefined);
    await file?.close().catch(() => undefined);
  }
}
