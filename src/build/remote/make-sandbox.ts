import { dirName } from "../../base/path.ts";
import { imageHost } from "../../host/image-host.ts";
import { openAnyImage } from "../../image/ocisif/open-oci-sif.ts";
import { replaceTree } from "../replace-tree.ts";
import { type UnpackPorts, unpackImage } from "../unpack/unpack-image.ts";
import { openWorkspace } from "../workspace.ts";

/** Unpacks an image file to a directory, whole or not at all; what stands at `target` is replaced. Throws a Fault. */
export async function makeSandbox(path: string, target: string, ports: UnpackPorts): Promise<void> {
  const image = openAnyImage(path, imageHost);
  const space = openWorkspace(dirName(target));
  try {
    const root = `${space.path}/rootfs`;
    await unpackImage(image, root, ports);
    replaceTree(root, target, space);
  } finally {
    space.remove();
  }
}
