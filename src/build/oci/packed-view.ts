import { sliceSource } from "../../base/byte-source.ts";
import type { FileView } from "../../base/file-view.ts";
import { SquashfsTree } from "../../format/squashfs/tree.ts";
import { imageHost } from "../../host/image-host.ts";
import { decompress } from "../../image/decompress.ts";

/**
 * Looks into a SquashFS file system at an offset of a file.
 *
 * @param tree the same tree in memory, without contents: looked through faster than the packed one.
 */
export async function withPackedView<T>(
  path: string,
  offsetBytes: number,
  tree: FileView,
  look: (view: FileView) => T | Promise<T>,
): Promise<T> {
  const opened = imageHost.openFile(path);
  if (typeof opened === "number") throw new Error(`cannot open ${path}: error ${-opened}`);
  try {
    const { source } = opened;
    const part = sliceSource(source, offsetBytes, source.sizeBytes - offsetBytes);
    const packed = new SquashfsTree(part, decompress, "new");
    const view: FileView = {
      lstat: (at) => tree.lstat(at),
      list: (at) => tree.list(at),
      read: (at, limitBytes) => packed.read(at, limitBytes),
    };
    return await look(view);
  } finally {
    opened.close();
  }
}
