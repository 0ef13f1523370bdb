import { chmodSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { unmountBelow } from "./unmount-below.ts";

/**
 * Removes a tree even where directories lack the owner's write or search bit, as images have them.
 * Never follows a symbolic link, never enters a mount. What cannot be removed is left; true when
 * nothing is.
 */
export function removeTree(path: string): boolean {
  if (!unmountBelow(path)) return false;
  if (tryRemove(path)) return true;
  openDirectories(path);
  return tryRemove(path);
}

function tryRemove(path: string): boolean {
  try {
    rmSync(path, { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}

function openDirectories(path: string): void {
  try {
    const stat = lstatSync(path);
    if (!stat.isDirectory()) return;
    if ((stat.mode & 0o700) !== 0o700) chmodSync(path, 0o700);
    for (const name of readdirSync(path)) openDirectories(`${path}/${name}`);
  } catch {
    // Someone else's directory: the removal that follows says what is left.
  }
}
