import { renameSync, rmSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { removeTree } from "./remove-tree.ts";
import type { Workspace } from "./workspace.ts";

/** Puts a finished tree in its place; what was there is moved aside first and then removed. */
export function replaceTree(from: string, to: string, space: Workspace): void {
  const aside = `${space.path}/replaced`;
  try {
    renameSync(to, aside);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") {
      rmSync(to, { recursive: true, force: true });
    }
  }
  try {
    renameSync(from, to);
  } catch (cause) {
    throw new Fault("io", `sandbox assemble failed: Cannot move the root file system to "${to}"`, {
      cause,
    });
  }
  removeTree(aside);
}
