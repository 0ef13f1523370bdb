import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { errnoText } from "../base/errno-text.ts";
import { Fault } from "../base/fault.ts";
import { isDead, ownOwner } from "../image/cache/owner.ts";

const PREFIX = "skiff-images-";

/** A directory of this process below `parent`; those of processes that are gone are removed. Throws a Fault. */
export function temporaryImages(parent: string): string {
  try {
    return makeFolder(parent);
  } catch (cause) {
    const errno = (cause as NodeJS.ErrnoException).errno ?? 0;
    throw new Fault("io", `Cannot use the temporary directory "${parent}": ${errnoText(-errno)}`, {
      cause,
      hint: "name another one with --tmpdir or in SKIFF_TMPDIR",
    });
  }
}

function makeFolder(parent: string): string {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const [place = "", pid = ""] = name.slice(PREFIX.length).split("-");
    const path = `${parent}/${name}`;
    const isOwn = lstatSync(path, { throwIfNoEntry: false })?.uid === process.getuid?.();
    if (!isOwn || !isDead(place, Number(pid))) continue;
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // Another process is removing it.
    }
  }
  // A program started from it keeps the process number, so it stays as long as that runs.
  return mkdtempSync(`${parent}/${PREFIX}${ownOwner().place}-${process.pid}-`);
}
