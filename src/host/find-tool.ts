import { statFollow } from "./host-files.ts";
import { access, X_OK } from "./syscall.ts";

/**
 * Full path of a program in the directories of `binaryPath`, joined by ":", in which the word
 * `$PATH` stands for `path`. Relative directories are passed over: a tool must not depend on where
 * the caller stands. A name with a slash is taken as it is. Undefined when no executable file is found.
 */
export function findTool(
  name: string,
  binaryPath: string,
  path: string | undefined,
): string | undefined {
  if (name.includes("/")) return isProgram(name) ? name : undefined;
  for (const directory of toolDirectories(binaryPath, path)) {
    const candidate = `${directory}/${name}`;
    if (isProgram(candidate)) return candidate;
  }
  return undefined;
}

/** The directories a tool is looked for in, in order, each once. */
export function toolDirectories(binaryPath: string, path: string | undefined): readonly string[] {
  const directories: string[] = [];
  for (const word of binaryPath.split(":")) {
    for (const directory of word === "$PATH" ? (path ?? "").split(":") : [word]) {
      if (directory.startsWith("/") && !directories.includes(directory))
        directories.push(directory);
    }
  }
  return directories;
}

function isProgram(path: string): boolean {
  return access(path, X_OK) === 0 && statFollow(path)?.kind === "file";
}
