import {
  closeSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
} from "node:fs";
import { isDead, ownOwner } from "./owner.ts";
import { makeFolder } from "./places.ts";
import { uniqueName } from "./records.ts";

/*
 *   HEX.left                 broken off, free for anyone
 *   HEX.PLACE.PID-RANDOM     being written by that process
 */

/** Untouched for so long, a download of a process that cannot be asked about is given up. */
const ABANDONED_MS = 60_000;

/** A file of this process alone with what earlier attempts fetched, at most `sizeBytes`; perhaps empty. */
export function takePartial(root: string, hex: string, sizeBytes: number): string {
  const folder = folderOf(root);
  makeFolder(folder);
  const own = `${folder}/${hex}.${ownOwner().place}.${uniqueName()}`;
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${hex}.`) || !isFreePartial(`${folder}/${name}`, name)) continue;
    try {
      // Whoever renames it has it.
      renameSync(`${folder}/${name}`, own);
    } catch {
      continue;
    }
    const now = new Date();
    utimesSync(own, now, now);
    // Full length and yet left: its digest was never found right.
    if (statSync(own).size > sizeBytes) truncateSync(own, 0);
    return own;
  }
  closeSync(openSync(own, "wx", 0o600));
  return own;
}

/** Leaves a broken download for the next attempt. */
export function leavePartial(path: string, root: string, hex: string): void {
  try {
    if (statSync(path).size === 0) rmSync(path, { force: true });
    else renameSync(path, `${folderOf(root)}/${hex}.left`);
  } catch {
    // Taken over by another process.
  }
}

export function dropPartial(path: string): void {
  rmSync(path, { force: true });
}

/** Whether nobody writes a download any more. `name` is the last part of `path`. */
export function isFreePartial(path: string, name: string): boolean {
  if (name.endsWith(".left")) return true;
  const [, place = "", unique = ""] = name.split(".");
  if (isDead(place, Number.parseInt(unique, 10))) return true;
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && Date.now() - stat.mtimeMs > ABANDONED_MS;
}

function folderOf(root: string): string {
  return `${root}/skiff/partial`;
}
