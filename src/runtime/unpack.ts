import { Fault } from "../base/fault.ts";
import { resolvePath } from "../base/path.ts";
import type { HostFacts } from "../plan/facts.ts";
import type { Unpacking } from "../plan/lower/unpack-ops.ts";
import type { Volume } from "../plan/plan.ts";

/**
 * How a SquashFS root is unpacked below TMPDIR, for hosts without FUSE and for --unsquash. The
 * directory is the caller's alone; it is made, and removed when the container is gone, by the starter.
 *
 * @throws Fault when there is no directory to unpack in.
 */
export function planUnpacking(volume: Volume, host: HostFacts): Unpacking {
  if (volume.mounter.kind !== "unpack") {
    throw new Fault("unsupported", `Cannot unpack "${volume.path}": it is mounted`);
  }
  const { env } = host;
  const parent = resolvePath(
    host.cwd ?? "/",
    env["APPTAINER_TMPDIR"] ?? env["SINGULARITY_TMPDIR"] ?? env["TMPDIR"] ?? "/tmp",
  );
  const real = host.realPath(parent);
  if (real === undefined || host.files.lstat(real)?.kind !== "dir") {
    throw new Fault("not-found", `Cannot unpack "${volume.path}" in ${parent}: no such directory`, {
      hint: "set TMPDIR to a directory that you can write to",
    });
  }
  const dir = `${parent === "/" ? "" : parent}/rootfs-${crypto.randomUUID()}`;
  const path = `${dir}/root`;
  const words = ["-no-progress", "-quiet", "-user-xattrs", "-o", String(volume.offsetBytes)];
  return {
    image: volume.path,
    dir,
    path,
    unpack: [volume.mounter.tool, ...words, "-d", path, volume.path],
    // Directories may be closed to their owner; a program that still writes makes rm fail once.
    remove: [
      ...[host.tool("sh") ?? "/bin/sh", "-c"],
      'chmod -R u+rwx "$1"; rm -rf "$1" || { sleep 1; chmod -R u+rwx "$1"; rm -rf "$1"; }',
      ...["sh", dir],
    ],
  };
}
