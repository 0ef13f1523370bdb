import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  statSync,
} from "node:fs";
import { fileCapabilities } from "../../host/file-attributes.ts";
import { lgetxattr } from "../../host/syscall.ts";
import { notedOwner } from "../owners/noted-owners.ts";

/** How a tree is read for its digest. */
export interface TreeDigestOptions {
  /** Symbolic links count as what they lead to. */
  readonly follow: boolean;
  /** Owners count too. */
  readonly owners: boolean;
  /** The tree is a layer of an overlay: its marks count. */
  readonly overlay?: boolean;
  /** More than this and there is no digest. */
  readonly limits?: { readonly entries: number; readonly bytes: number };
  readonly signal: AbortSignal;
}

const PIECE_BYTES = 1 << 20;
/** Reading goes on for so long before the program looks at signals again. */
const PIECES_AT_ONCE = 32;

/**
 * SHA-256 over names, kinds, modes and contents of a file or tree; times do not count. What is not
 * there has a digest too. Undefined beyond the limits.
 */
export async function treeDigest(
  path: string,
  options: TreeDigestOptions,
): Promise<string | undefined> {
  const reader = new TreeReader(options);
  return (await reader.add(path, "", [])) ? reader.hash.digest("hex") : undefined;
}

class TreeReader {
  readonly hash: Bun.CryptoHasher = new Bun.CryptoHasher("sha256");
  readonly #options: TreeDigestOptions;
  readonly #buffer = new Uint8Array(PIECE_BYTES);
  #entries = 0;
  #bytes = 0;
  #pieces = 0;

  constructor(options: TreeDigestOptions) {
    this.#options = options;
  }

  /** @param above device and inode of the directories above, against links that lead up. */
  async add(path: string, name: string, above: readonly string[]): Promise<boolean> {
    const { follow, owners, limits } = this.#options;
    let stat: ReturnType<typeof lstatSync>;
    try {
      stat = follow ? statSync(path) : lstatSync(path);
    } catch {
      this.hash.update(`${name}\0absent\0`);
      return true;
    }
    if (limits !== undefined && ++this.#entries > limits.entries) return false;
    const kind = stat.mode & 0o170000;
    const owner = owners ? (notedOwner(path) ?? `${stat.uid}:${stat.gid}`) : "";
    const device = kind === 0o20000 || kind === 0o60000 ? stat.rdev : "";
    this.hash.update(`${name}\0${stat.mode.toString(8)}\0${owner}\0${device}\0`);
    // They come along with a copy that keeps owners.
    if (owners && stat.isFile()) this.hash.update(fileCapabilities(path) ?? "");
    if (stat.isSymbolicLink()) this.hash.update(`${readlinkSync(path)}\0`);
    if (stat.isFile()) return await this.#addContent(path, stat.size);
    if (!stat.isDirectory()) return true;
    if (this.#options.overlay === true && isOpaque(path)) this.hash.update("opaque\0");
    const id = `${stat.dev}:${stat.ino}`;
    if (above.includes(id)) return true;
    for (const child of namesIn(path)) {
      if (!(await this.add(`${path}/${child}`, `${name}/${child}`, [...above, id]))) return false;
    }
    this.hash.update("\0end\0");
    return true;
  }

  async #addContent(path: string, sizeBytes: number): Promise<boolean> {
    const { limits, signal } = this.#options;
    this.#bytes += sizeBytes;
    if (limits !== undefined && this.#bytes > limits.bytes) return false;
    let fd: number;
    try {
      fd = openSync(path, "r");
    } catch {
      // The copy that follows says why.
      this.hash.update("unreadable\0");
      return true;
    }
    try {
      this.hash.update(`${sizeBytes}\0`);
      for (;;) {
        const count = readSync(fd, this.#buffer, 0, PIECE_BYTES, null);
        if (count === 0) return true;
        this.hash.update(this.#buffer.subarray(0, count));
        if (++this.#pieces % PIECES_AT_ONCE === 0) {
          await Bun.sleep(0);
          signal.throwIfAborted();
        }
      }
    } finally {
      closeSync(fd);
    }
  }
}

function isOpaque(path: string): boolean {
  return ["user", "trusted"].some(
    (space) => lgetxattr(path, `${space}.overlay.opaque`) !== undefined,
  );
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}
