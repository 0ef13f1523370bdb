import { Fault } from "../base/fault.ts";
import { isWithin } from "../base/path.ts";
import { isDirectory } from "../host/host-files.ts";
import type { MountInfo } from "../plan/facts.ts";
import type { Talk } from "./talk.ts";

/**
 * Checks that a root file system can be built below a directory: it exists, and the mount it lies on
 * lets programs run. What may go wrong later is told.
 *
 * @param use for messages: the temporary root, or the sandbox at its final place.
 */
export function checkTempFolder(
  path: string,
  use: "temporary" | "sandbox",
  mounts: readonly MountInfo[],
  talk: Talk,
): void {
  if (!isDirectory(path)) {
    throw new Fault(
      "not-found",
      `Unable to create build: failed to create build parent dir: "${path}" is not a directory`,
      use === "temporary" ? { hint: "set --tmpdir or TMPDIR to a directory" } : {},
    );
  }
  const mount = mountOf(path, mounts);
  if (mount === undefined) return;
  const options = [...mount.options];
  if (options.includes("noexec")) {
    const what = use === "temporary" ? "temporary root filesystem" : `sandbox`;
    throw new Fault(
      "unsupported",
      `Unable to create build: 'noexec' mount option set on ${mount.target}, ${what} won't be usable at this location`,
      use === "temporary" ? { hint: "set --tmpdir or TMPDIR to another directory" } : {},
    );
  }
  if (use === "temporary" && options.includes("nodev")) {
    talk.warning(
      `'nodev' mount option set on ${mount.target}, it could be a source of failure during build process`,
    );
  }
}

/** The mount that a path lies on: the last of those with the longest matching target. */
function mountOf(path: string, mounts: readonly MountInfo[]): MountInfo | undefined {
  let best: MountInfo | undefined;
  for (const mount of mounts) {
    if (!isWithin(mount.target, path)) continue;
    if (best === undefined || mount.target.length >= best.target.length) best = mount;
  }
  return best;
}
