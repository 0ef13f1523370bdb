import { sliceSource } from "../../base/byte-source.ts";
import { SquashfsTree } from "../../format/squashfs/tree.ts";
import { imageHost } from "../../host/image-host.ts";
import { decompress } from "../../image/decompress.ts";
import { makeSbom } from "../../image/sbom/make-sbom.ts";

/** The list of packages of a SquashFS file system at an offset of a file. */
export async function squashfsSbom(
  path: string,
  offsetBytes: number,
  seconds: number,
  version: string,
): Promise<string> {
  const opened = imageHost.openFile(path);
  if (typeof opened === "number") throw new Error(`cannot open ${path}: error ${-opened}`);
  try {
    const { source } = opened;
    const part = sliceSource(source, offsetBytes, source.sizeBytes - offsetBytes);
    return await makeSbom(new SquashfsTree(part, decompress, "new"), seconds, version);
  } finally {
    opened.close();
  }
}
