import type { ByteSource } from "../base/byte-source.ts";
import type { FileEntry, FileView } from "../base/file-view.ts";

/**
 * What opening an image needs of the machine. host/image-host.ts has it for local files; another one
 * may serve images that lie elsewhere.
 */
export interface ImageHost {
  /** Facts with symbolic links followed, or minus the errno. */
  stat(path: string): FileEntry | number;
  /** The file open for reading in ranges, or minus the errno. */
  openFile(path: string): { readonly source: ByteSource; close(): void } | number;
  /** The tree below a directory. */
  files(root: string): FileView;
  /** Whether the caller may write the file or directory. */
  canWrite(path: string): boolean;
}
