import { statSync } from "node:fs";
import type { MemberFiles } from "./member-files.ts";
import { readRange } from "./read-range.ts";

/** Files of a directory. */
export function folderFiles(folder: string): MemberFiles {
  return {
    sizeOf(path) {
      const stat = statSync(`${folder}/${path}`, { throwIfNoEntry: false });
      return stat?.isFile() === true ? stat.size : undefined;
    },
    open: (path) => readRange(`${folder}/${path}`, 0, undefined),
  };
}
