import { lstatSync, readdirSync } from "node:fs";

/** What a walk over a tree finds. */
export interface TreeSums {
  /** Newest time of change of content before a moment; seconds since 1970, 0 when there is none. */
  readonly newestSeconds: number;
  /** Bytes of all files. */
  readonly sizeBytes: number;
}

/**
 * Looks at all of a tree. Times from `beforeMs` on are those of the build itself; the newest one
 * before it comes with the content, and so is the same in every build.
 */
export function sumTree(root: string, beforeMs: number): TreeSums {
  let newest = 0;
  let sizeBytes = 0;
  const walk = (path: string): void => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (stat.mtimeMs < beforeMs && stat.mtimeMs > newest) newest = stat.mtimeMs;
    if (stat.isFile()) sizeBytes += stat.size;
    if (!stat.isDirectory()) return;
    for (const name of namesIn(path)) walk(`${path}/${name}`);
  };
  walk(root);
  return { newestSeconds: Math.floor(newest / 1000), sizeBytes };
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
