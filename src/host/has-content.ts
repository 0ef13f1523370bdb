import { statSync } from "node:fs";

/** Whether there is a file with something in it; one that cannot be looked at counts, so that whoever reads it says why. */
export function hasContent(path: string): boolean {
  try {
    return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
  } catch {
    return true;
  }
}
