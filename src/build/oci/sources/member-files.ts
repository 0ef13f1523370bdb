/** Files of an image on this machine: a directory, or members of an archive. Paths are relative. */
export interface MemberFiles {
  /** Length in bytes; undefined for what is not there. */
  sizeOf(path: string): number | undefined;
  /** The content in pieces, each for the receiver alone. Only for files that are there. */
  open(path: string): AsyncIterable<Uint8Array>;
}
