import { constants, statfsSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { WriteBack } from "../write-back.ts";

/** What a direct write begins and ends at, in the file and in memory; no disk's sectors are longer. */
const SECTOR_BYTES = 4096;
/**
 * Longest write into the page cache. Longer ones are given pages of up to 2 MB, which a virtual machine may
 * have to get from its host first: 400 MB then take up to 0.9 s where they take 0.1 s like this.
 */
const STEP_BYTES = 256 * 1024;
/** File systems of one machine's own disks. On others, what is written directly waits for the network. */
const LOCAL_KINDS: readonly number[] = [0xef53 /* ext2 to ext4 */, 0x58465342 /* XFS */];

/** A file that blocks are written to one after another; the file itself is the caller's to close. */
export class BlockFile {
  readonly #file: FileHandle;
  readonly #writeBack: WriteBack;
  #direct: FileHandle | undefined;

  private constructor(file: FileHandle, from: number, direct: FileHandle | undefined) {
    this.#file = file;
    this.#writeBack = new WriteBack(file.fd, from);
    this.#direct = direct;
  }

  /**
   * @param from where writing begins.
   * @param direct past the page cache, where the file system can: for what nobody reads soon. It takes a
   * tenth of the processor's time, and pushes nothing out of memory.
   */
  static async of(
    file: FileHandle,
    path: string,
    from: number,
    direct: boolean,
  ): Promise<BlockFile> {
    return new BlockFile(file, from, direct ? await openDirect(path) : undefined);
  }

  /** Writes all of a block; those before it have been written. Whole sectors are only written directly from memory that begins at a sector. */
  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const rest = bytes.subarray(done);
      done +=
        (await this.#writeDirect(rest, position + done)) ||
        (await this.#writeCached(rest, position + done));
    }
  }

  /** Everything is written. */
  async end(): Promise<void> {
    await this.#direct?.close();
    this.#direct = undefined;
  }

  /** How much was written; 0 where it cannot be written in this way. */
  async #writeDirect(bytes: Uint8Array, position: number): Promise<number> {
    const length = bytes.length - (bytes.length % SECTOR_BYTES);
    const isAligned = position % SECTOR_BYTES === 0 && bytes.byteOffset % SECTOR_BYTES === 0;
    if (this.#direct === undefined || length === 0 || !isAligned) return 0;
    try {
      return (await this.#direct.write(bytes, 0, length, position)).bytesWritten;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EINVAL") throw error;
      // The file can be opened so but not written to so.
      await this.end();
      return 0;
    }
  }

  async #writeCached(bytes: Uint8Array, position: number): Promise<number> {
    this.#writeBack.writtenTo(position);
    const length = Math.min(bytes.length, STEP_BYTES);
    return (await this.#file.write(bytes, 0, length, position)).bytesWritten;
  }
}

async function openDirect(path: string): Promise<FileHandle | undefined> {
  try {
    if (!LOCAL_KINDS.includes(statfsSync(path).type)) return undefined;
    return await open(path, constants.O_WRONLY | constants.O_DIRECT);
  } catch {
    return undefined;
  }
}
