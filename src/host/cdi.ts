import type { CdiFile } from "../plan/gpu/gpu-facts.ts";
import { isDirectory, realPath } from "./host-files.ts";
import { readHostText } from "./read-text.ts";
import { listDir } from "./syscall.ts";

/** Where specifications lie; a later directory wins over an earlier one. */
export const CDI_DIRECTORIES: readonly string[] = ["/etc/cdi", "/var/run/cdi"];

/**
 * Specifications in some directories (not below them), by directory and then by name: files that
 * end in .json, .yaml or .yml. What cannot be parsed has no content.
 */
export function readCdiFiles(directories: readonly string[] = CDI_DIRECTORIES): readonly CdiFile[] {
  const seen = new Set<string>();
  const files: CdiFile[] = [];
  for (const [priority, directory] of directories.entries()) {
    // The same directory under two names would make every device conflict with itself.
    const real = realPath(directory);
    if (real === undefined || seen.has(real) || !isDirectory(real)) continue;
    seen.add(real);
    const names = (listDir(real) ?? []).map(({ name }) => name).sort();
    for (const name of names) {
      if (!/\.(json|ya?ml)$/.test(name)) continue;
      const path = `${directory}/${name}`;
      files.push({ path, priority, content: parse(path) });
    }
  }
  return files;
}

function parse(path: string): unknown {
  const text = readHostText(path);
  try {
    return path.endsWith(".json") ? JSON.parse(text) : Bun.YAML.parse(text);
  } catch {
    // What is wrong with it is told when a device is asked for that no other file has.
    return undefined;
  }
}
