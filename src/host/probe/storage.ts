import { statfsSync } from "node:fs";
import { dirName, isWithin } from "../../base/path.ts";
import type { MountInfo } from "../../plan/facts.ts";
import { isDirectory, realPath } from "../host-files.ts";
import { access, W_OK, X_OK } from "../syscall.ts";
import type { Check, ProbeInput } from "./check.ts";

/** Network file systems, on which many small files, locks and sub-ids are slow or refused. */
const NETWORK =
  /^(nfs\d*|lustre|gpfs|beegfs\w*|fhgfs|cifs|smb3|ceph|afs|panfs|glusterfs|fuse\.(sshfs|glusterfs|ceph|beegfs))$/;
const LOW_BYTES = 2 * 1024 ** 3;

/** The directories that images and unpacked trees go to. */
export async function probeStorage(input: ProbeInput): Promise<readonly Check[]> {
  return [
    storageCheck(input, "storage.cache", "cache directory", input.cacheDirectory, "SKIFF_CACHEDIR"),
    storageCheck(input, "storage.tmp", "temporary directory", input.tmpDirectory, "SKIFF_TMPDIR"),
  ];
}

function storageCheck(
  { host }: ProbeInput,
  id: string,
  name: string,
  path: string,
  variable: string,
): Check {
  const remedy = `set ${variable} to a directory on a local disk`;
  const parent = existing(path);
  if (access(parent, W_OK | X_OK) !== 0) {
    const means = `${name === "cache directory" ? "downloaded images are not kept" : "images cannot be unpacked or built"}`;
    return { id, name, state: "limited", found: `${path}: not writable`, means, remedy };
  }
  const mount = mountOf(host.mounts, parent);
  const free = freeBytes(parent);
  const found = `${path}: ${mount?.fstype ?? "?"}, ${gibibytes(free)} free`;
  const options = ["noexec", "nodev"].filter((option) => mount?.options.includes(option) === true);
  if (NETWORK.test(mount?.fstype ?? "")) {
    const means =
      "a network file system: unpacking and building are slow, and sub-ids are often refused";
    return { id, name, state: "limited", found, means, remedy };
  }
  if (id === "storage.tmp" && options.includes("noexec")) {
    const means = "mounted noexec: unpacked images and builds cannot run programs there";
    return { id, name, state: "limited", found: `${found}, ${options.join(", ")}`, means, remedy };
  }
  if (free < LOW_BYTES) {
    return {
      id,
      name,
      state: "limited",
      found,
      means: "little space: large images do not fit",
      remedy,
    };
  }
  return { id, name, state: "ok", found };
}

/** The path, or the nearest directory above it that exists. */
function existing(path: string): string {
  let at = path;
  while (at !== "/" && !isDirectory(at)) at = dirName(at);
  return realPath(at) ?? at;
}

/** The mount a canonical path lies on: the longest target; of equal ones the last, which is on top. */
export function mountOf(mounts: readonly MountInfo[], path: string): MountInfo | undefined {
  let best: MountInfo | undefined;
  for (const mount of mounts) {
    if (isWithin(mount.target, path) && mount.target.length >= (best?.target.length ?? 0))
      best = mount;
  }
  return best;
}

function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    // A file system that does not tell is no reason to warn.
    return Number.POSITIVE_INFINITY;
  }
}

function gibibytes(bytes: number): string {
  return Number.isFinite(bytes) ? `${(bytes / 1024 ** 3).toFixed(1)} GiB` : "unknown space";
}
