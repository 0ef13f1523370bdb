import { resolveIn } from "../../base/file-view.ts";
import { baseName, dirName } from "../../base/path.ts";
import type { EditedView } from "./edited-view.ts";
import { STANDARD_FILES } from "./standard-files.ts";

const DIRECTORIES = [
  "/.singularity.d/libs",
  "/.singularity.d/actions",
  "/.singularity.d/env",
  "/dev",
  "/proc",
  "/root",
  "/var/tmp",
  "/tmp",
  "/etc",
  "/sys",
  "/home",
];

const SYMLINKS: readonly (readonly [path: string, target: string])[] = [
  ["/singularity", ".singularity.d/runscript"],
  ["/.run", ".singularity.d/actions/run"],
  ["/.exec", ".singularity.d/actions/exec"],
  ["/.test", ".singularity.d/actions/test"],
  ["/.shell", ".singularity.d/actions/shell"],
  ["/environment", ".singularity.d/env/90-environment.sh"],
];

/**
 * Gives a root what every image has (reference: runtime.md section 3): mount points, the standard
 * scripts below /.singularity.d, and the links to them.
 *
 * @param overwrite true for a root just bootstrapped: files that exist are replaced. False for one
 *   that came out of an image: they keep their content and only get the mode.
 * @param runscript text of the runscript where there is none.
 */
export function planSkeleton(view: EditedView, overwrite: boolean, runscript: string): void {
  const rootMode = view.lstat("/")?.mode ?? 0o755;
  if ((rootMode & 0o200) === 0) view.add({ kind: "mode", path: "/", mode: rootMode | 0o200 });
  for (const path of DIRECTORIES) makeDirectories(view, path);
  for (const [path, target] of SYMLINKS) {
    const before = view.lstat(path);
    const isRight = before?.kind === "symlink" && before.link === target;
    const isTheirs = before !== undefined && before.kind !== "symlink";
    if (!isRight && !isTheirs) view.add({ kind: "symlink", path, target });
  }
  for (const { path, mode, content } of STANDARD_FILES) {
    writeFile(view, path, mode, new TextEncoder().encode(content), overwrite);
  }
  const text = new TextEncoder().encode(runscript);
  writeFile(view, "/.singularity.d/runscript", 0o755, text, overwrite);
}

/**
 * Makes a directory and its parents, 0755, wherever symbolic links in the root lead. A link that
 * leads nowhere is left alone.
 */
export function makeDirectories(view: EditedView, path: string): string | undefined {
  const missing: string[] = [];
  let at = path;
  for (;;) {
    const found = resolveIn(view, at);
    if (found.entry?.kind === "dir") {
      let made = found.path;
      for (const name of missing.reverse()) {
        made = made === "/" ? `/${name}` : `${made}/${name}`;
        view.add({ kind: "dir", path: made, mode: 0o755 });
      }
      return made;
    }
    if (found.entry !== undefined || view.lstat(at) !== undefined || at === "/") return undefined;
    missing.push(baseName(at));
    at = dirName(at);
  }
}

/** Writes a file where `path` leads in the root; parents are made. A dangling link or a special file is replaced. */
export function writeFile(
  view: EditedView,
  path: string,
  mode: number,
  content: Uint8Array,
  overwrite: boolean,
): void {
  const found = resolveIn(view, path);
  if (found.entry?.kind === "dir") return;
  if (found.entry?.kind === "file" && !overwrite) {
    if (found.entry.mode !== mode) view.add({ kind: "mode", path: found.path, mode });
    return;
  }
  const isThere = found.entry?.kind === "file";
  const parent = makeDirectories(view, dirName(isThere ? found.path : path));
  if (parent === undefined) return;
  const target = isThere ? found.path : `${parent === "/" ? "" : parent}/${baseName(path)}`;
  view.add({ kind: "file", path: target, mode, content });
}
