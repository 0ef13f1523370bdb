import type { FileView } from "../base/file-view.ts";
import type { FileStat } from "./file-stat.ts";
import { hostFiles } from "./host-files.ts";
import { type OpenFile, openFile } from "./open-file.ts";
import { access, lastErrno, stat, W_OK } from "./syscall.ts";

/** What opening an image needs of this machine: the `ImageHost` of image/open.ts, by raw system calls. */
export const imageHost: {
  /** Facts with links followed, or minus the errno. */
  stat(path: string): FileStat | number;
  openFile(path: string): OpenFile | number;
  files(root: string): FileView;
  canWrite(path: string): boolean;
} = {
  stat: (path) => stat(path) ?? -lastErrno(),
  openFile,
  files: hostFiles,
  canWrite: (path) => access(path, W_OK) === 0,
};
