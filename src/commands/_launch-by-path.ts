import { admissionFiles } from "../config/admission-files.ts";
import { hostFiles } from "../host/host-files.ts";
import { launcherNote } from "../host/launcher-note.ts";
import { rawArguments, rawEnvironment } from "../host/raw-environment.ts";
import { becomeOther } from "../runtime/become-starter.ts";
import { installPrefix } from "../runtime/installed.ts";

/**
 * Starts this program again with the path of a fetched image in place of its address, so that a known
 * launch of it needs no planning: that saves more than the second start costs. Returns where this
 * cannot help: no launch is kept here, or rules of admission look at the address.
 *
 * @param count words from the image on, its own included; @param path of the image in the cache.
 */
export function launchByPath(count: number, path: string, inherited: readonly number[]): void {
  if (launcherNote()?.key === undefined) return;
  if (admissionFiles(hostFiles(), installPrefix()) !== undefined) return;
  const words = rawArguments(Bun.argv.length - 2);
  const env = rawEnvironment();
  if (words === undefined || env === undefined) return;
  const at = words.length - count;
  const again = [process.argv0, ...words.slice(0, at), path, ...words.slice(at + 1)];
  becomeOther("/proc/self/exe", again, env, inherited);
}
