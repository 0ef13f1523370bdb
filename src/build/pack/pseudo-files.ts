import { mkdirSync, writeFileSync } from "node:fs";
import type { FileEntry } from "../../base/file-view.ts";
import { encodeOsText } from "../../base/os-text.ts";
import type { RootEdit } from "../root/edit.ts";

/** What mksquashfs is told besides the source directory. */
export interface PseudoFiles {
  /** Content of a pseudo file (`-pf`). */
  readonly definitions: Uint8Array;
  /** Content of an exclude file (`-ef`): paths below the source, without leading slash. */
  readonly excluded: Uint8Array;
}

/**
 * Edits in the language of mksquashfs, so that an image is packed from a directory that is neither
 * copied nor changed. Contents are put in `folder` and read from there by `cat`.
 *
 * @param entryOf what the source directory has at a path of the root.
 */
export function pseudoFiles(
  edits: readonly RootEdit[],
  folder: string,
  entryOf: (path: string) => FileEntry | undefined,
): PseudoFiles {
  mkdirSync(folder, { recursive: true });
  const lines = new Map<string, string>();
  const excluded = new Set<string>();
  const modes = new Map<string, number>();
  for (const [index, edit] of edits.entries()) {
    const { path } = edit;
    const name = quoteName(path);
    switch (edit.kind) {
      case "dir":
        lines.set(path, `${name} d ${edit.mode.toString(8)} 0 0`);
        break;
      case "file": {
        const source = `${folder}/${index}`;
        writeFileSync(source, edit.content);
        if (entryOf(path) !== undefined) excluded.add(path.slice(1));
        lines.set(
          path,
          `${name} f ${edit.mode.toString(8)} 0 0 cat '${source.replaceAll("'", "'\\''")}'`,
        );
        break;
      }
      case "symlink":
        if (entryOf(path) !== undefined) excluded.add(path.slice(1));
        lines.set(path, `${name} s 777 0 0 ${edit.target}`);
        break;
      case "mode":
        modes.set(path, edit.mode);
        break;
      case "remove":
        if (entryOf(path) !== undefined) excluded.add(path.slice(1));
        lines.delete(path);
        break;
    }
  }
  for (const [path, mode] of modes) {
    const line = lines.get(path);
    const bits = mode.toString(8);
    const before = entryOf(path);
    // The root itself cannot be modified this way; in a packed image its write bit means nothing.
    if (path === "/") continue;
    if (line !== undefined) lines.set(path, line.replace(/ (d|f) [0-7]+ 0 0/, ` $1 ${bits} 0 0`));
    else if (before !== undefined)
      lines.set(path, `${quoteName(path)} m ${bits} ${before.uid} ${before.gid}`);
  }
  const join = (all: Iterable<string>): Uint8Array =>
    encodeOsText([...all].map((line) => `${line}\n`).join(""));
  return { definitions: join(lines.values()), excluded: join(excluded) };
}

function quoteName(path: string): string {
  return `"${path.slice(1).replaceAll(/["\\]/g, "\\$&")}"`;
}
