import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolveIn } from "../base/file-view.ts";
import { hostFiles } from "../host/host-files.ts";

/** Whether this process can give files to nobody but itself: no other user id is mapped. */
export function hasOneId(): boolean {
  const lines = readFileSync("/proc/self/uid_map", "utf8").trim().split("\n");
  return lines.reduce((sum, line) => sum + Number(line.trim().split(/ +/)[2] ?? 0), 0) === 1;
}

/** Whether the root that this process is rules the machine, and no namespace only. */
export function isMachineRoot(): boolean {
  return /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync("/proc/self/uid_map", "utf8"));
}

/** Line of apt.conf without which apt becomes another user for downloads, and looks whether it did. */
export const APT_AS_ROOT = 'APT::Sandbox::User "root";';

const APT_FOLDER = "/etc/apt/apt.conf.d";

/**
 * Tells package managers in a root, for the time of a script, that there is one id only.
 *
 * @returns the end of that.
 */
export function adviseOneId(root: string): () => void {
  if (!hasOneId()) return () => {};
  const folder = resolveIn(hostFiles(root), APT_FOLDER);
  const path = `${root}${folder.path}/zz-skiff-build`;
  if (folder.entry?.kind !== "dir" || existsSync(path)) return () => {};
  writeFileSync(path, `${APT_AS_ROOT}\n`, { flag: "wx", mode: 0o644 });
  return () => rmSync(path, { force: true });
}
