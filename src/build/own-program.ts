import { resolvePath } from "../base/path.ts";
import { findTool } from "../host/find-tool.ts";
import { realPath } from "../host/host-files.ts";

/**
 * Words that start this same program again, under the name it was called by (a link decides how it
 * behaves): the link, else the one file it was compiled to, else the interpreter with its script.
 *
 * @param path the caller's PATH.
 */
export function ownProgram(path: string | undefined): readonly string[] {
  // A compiled program finds its script in a file system of its own.
  if (!Bun.main.startsWith("/$bunfs/")) return [process.execPath, Bun.main];
  const called = findTool(process.argv0, "$PATH", path);
  const absolute = called === undefined ? undefined : resolvePath(process.cwd(), called);
  const isSame = absolute !== undefined && realPath(absolute) === realPath(process.execPath);
  return [isSame ? absolute : process.execPath];
}
