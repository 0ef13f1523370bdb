import { Fault } from "../base/fault.ts";
import type { HostFacts } from "../plan/facts.ts";
import type { Volume } from "../plan/plan.ts";

/** An image unpacked to a temporary directory, and the words that remove it again. */
export interface Unpacked {
  readonly path: string;
  readonly remove: readonly string[];
}

/**
 * Unpacks a SquashFS root below TMPDIR, for hosts without FUSE and for --unsquash. The directory is
 * the caller's alone; a watcher removes it when the container is gone (`janitor` op).
 *
 * @throws Fault when the tool fails: its last words are told.
 */
export async function unpackImage(volume: Volume, host: HostFacts): Promise<Unpacked> {
  if (volume.mounter.kind !== "unpack") {
    throw new Fault("unsupported", `Cannot unpack "${volume.path}": it is mounted`);
  }
  const { mkdtemp } = await import("node:fs/promises");
  const parent =
    host.env["APPTAINER_TMPDIR"] ?? host.env["SINGULARITY_TMPDIR"] ?? host.env["TMPDIR"] ?? "/tmp";
  let dir: string;
  try {
    dir = await mkdtemp(`${parent}/rootfs-`);
  } catch (error) {
    throw new Fault(
      "denied",
      `Cannot unpack "${volume.path}": no temporary directory can be made in ${parent}`,
      {
        cause: error,
        hint: "set TMPDIR to a directory that you can write to",
      },
    );
  }
  const path = `${dir}/root`;
  const remove = [host.tool("rm") ?? "/bin/rm", "-rf", dir];
  const child = Bun.spawn(
    [
      volume.mounter.tool,
      "-no-progress",
      "-quiet",
      "-user-xattrs",
      "-o",
      String(volume.offsetBytes),
      "-d",
      path,
      volume.path,
    ],
    { stdin: "ignore", stdout: "ignore", stderr: "pipe" },
  );
  const words = await new Response(child.stderr).text();
  const status = await child.exited;
  // 2: only warnings, such as device nodes that an ordinary user cannot make.
  if (status !== 0 && status !== 2) {
    Bun.spawnSync([...remove]);
    const last = words.trim().split("\n").at(-1) ?? "";
    throw new Fault("failed", `Cannot unpack "${volume.path}" to ${path}: ${last}`, {
      hint: `see that ${parent} (TMPDIR) has enough space, or install squashfuse`,
    });
  }
  return { path, remove };
}
