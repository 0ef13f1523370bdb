/** What an entry of an archive makes. */
export type TarKind = "file" | "dir" | "symlink" | "hardlink" | "char" | "block" | "fifo";

/** A part of a sparse file that holds data; what lies between reads as zeros. Bytes. */
export interface SparsePart {
  readonly offset: number;
  readonly length: number;
}

/** One entry of a tar archive, whatever its dialect. Texts are kernel text (base/os-text.ts). */
export interface TarEntry {
  readonly kind: TarKind;
  /** As the archive has it: not cleaned, but without the slashes that end a directory's name. */
  readonly path: string;
  /** Target of a symbolic link, or path in the archive of a hard link's file; else empty. */
  readonly link: string;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since 1970, rounded down; may be negative. */
  readonly mtimeSeconds: number;
  /** Length of a regular file with its holes; else 0. */
  readonly sizeBytes: number;
  /** Device numbers; 0 for anything else. */
  readonly major: number;
  readonly minor: number;
  /** Extended attributes by their full names. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  /**
   * Where the data of a sparse file lies: in order, no two overlapping, none empty. The archive holds
   * just these bytes. Absent for files that are stored whole.
   */
  readonly sparse: readonly SparsePart[] | undefined;
}

/** Bytes of content that the archive holds for an entry. */
export function storedBytes(entry: Pick<TarEntry, "sizeBytes" | "sparse">): number {
  if (entry.sparse === undefined) return entry.sizeBytes;
  let sum = 0;
  for (const { length } of entry.sparse) sum += length;
  return sum;
}

/** What entries without attributes share. */
export const NO_XATTRS: ReadonlyMap<string, Uint8Array> = new Map();

export const BLOCK_BYTES = 512;
