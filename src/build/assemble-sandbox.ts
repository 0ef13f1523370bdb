import { replaceTree } from "./replace-tree.ts";
import type { BuildPorts } from "./stage.ts";
import { copyDirectory } from "./unpack/unpack-image.ts";
import type { Workspace } from "./workspace.ts";

/**
 * Puts a finished root at its place as a directory.
 *
 * @param isLayered the root is put together of layers, and is copied; else it is moved.
 */
export async function assembleSandbox(
  root: string,
  target: string,
  beside: Workspace,
  isLayered: boolean,
  ports: BuildPorts,
): Promise<void> {
  if (!isLayered) return replaceTree(root, target, beside);
  const copy = `${beside.path}/rootfs`;
  await copyDirectory(root, copy, ports);
  replaceTree(copy, target, beside);
}
