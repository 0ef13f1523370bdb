import { accessSync, constants, readFileSync, writeFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { resolveIn } from "../../base/file-view.ts";
import { hostFiles } from "../../host/host-files.ts";
import { mountWord } from "../mount-word.ts";
import type { Stage } from "../stage.ts";

const STAGED = [
  ["/etc/resolv.conf", "Name resolution could fail"],
  ["/etc/hosts", "Host resolution could fail"],
] as const;

/**
 * Copies of the host's resolv.conf and hosts, and the mounts that put them in the container: for the
 * files that the root has and that no bind of the caller covers.
 */
export function stageHostFiles(stage: Stage): readonly string[] {
  const mounts: string[] = [];
  for (const [path, risk] of STAGED) {
    if (stage.options.binds.some((bind) => bind.target === path)) continue;
    const found = resolveIn(hostFiles(stage.root), path);
    if (found.entry?.kind !== "file" || !isReadable(stage.root + found.path)) {
      stage.ports.talk.warning(
        `${risk}: the root file system has no readable ${path} that the host's could be bound to`,
      );
      continue;
    }
    const copy = `${stage.folder}/${path.slice(path.lastIndexOf("/") + 1)}`;
    // One line more than the host's file: package managers then see it as changed by the admin and
    // leave it, where they would fail to replace a bound file.
    writeFileSync(copy, Buffer.concat([readHostFile(path), Buffer.from("\n")]), { mode: 0o644 });
    mounts.push(mountWord({ source: copy, target: path }));
  }
  return mounts;
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

function readHostFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    // A small host may have none.
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("io", `failed to read ${path}: ${reason}`, {
      cause,
      hint: `bind another file there with --bind FILE:${path}`,
    });
  }
}
