/**
 * A change to a root file system, as data. Building plans such changes from a view of the root and
 * either carries them out on disk (apply-edits.ts) or hands them to mksquashfs beside an untouched
 * source directory (pack/pseudo-files.ts).
 *
 * Paths are absolute in the root and canonical: no part of them is a symbolic link, except the last
 * one of `remove` and `symlink`. Parents exist or are made by an earlier edit.
 */
export type RootEdit =
  /** A directory that does not exist yet. */
  | { readonly kind: "dir"; readonly path: string; readonly mode: number }
  /** A regular file; what was there is replaced. */
  | {
      readonly kind: "file";
      readonly path: string;
      readonly mode: number;
      readonly content: Uint8Array;
    }
  /** A symbolic link; what was there (no directory) is replaced. */
  | { readonly kind: "symlink"; readonly path: string; readonly target: string }
  /** Permission bits of what exists. */
  | { readonly kind: "mode"; readonly path: string; readonly mode: number }
  /** A file or link that exists goes away. */
  | { readonly kind: "remove"; readonly path: string };
