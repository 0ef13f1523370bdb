import { dirName } from "../../base/path.ts";
import { getuid } from "../../host/process-calls.ts";
import { lstat, mkdir, stat } from "../../host/syscall.ts";

/**
 * Makes the directory of records. Whether it stands and only its owner, this user, may write to it:
 * anyone else could give one record the name of another. The launcher asks the same.
 */
export function makeRecordDirectory(dir: string): boolean {
  const parents: string[] = [];
  for (let at = dir; lstat(at) === undefined && at !== "/"; at = dirName(at)) parents.push(at);
  for (const parent of parents.reverse())
    if (mkdir(parent, 0o700) < 0 && !stat(parent)) return false;
  const made = stat(dir);
  return made !== undefined && made.uid === getuid() && (made.mode & 0o022) === 0;
}
