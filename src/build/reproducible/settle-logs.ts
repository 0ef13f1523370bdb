import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { resolveIn } from "../../base/file-view.ts";
import { hostFiles } from "../../host/host-files.ts";

/** Logs of package managers: what they did stays, when they did it becomes the image's time. */
const LOGS = [
  "/var/log/dpkg.log",
  "/var/log/alternatives.log",
  "/var/log/bootstrap.log",
  "/var/log/apt/history.log",
  "/var/log/apt/term.log",
  "/var/log/apk.log",
  "/var/log/pacman.log",
];
/** Caches that hold inode numbers and times, and are made again when they are empty. */
const CACHES = ["/var/cache/ldconfig/aux-cache"];
const TIME = /\d{4}-\d\d-\d\d([ T]+)\d\d:\d\d:\d\d/g;

/** Takes the time of the build out of files that programs leave in a root, in place. */
export function settleLogs(root: string, seconds: number): void {
  const [date = "", clock = ""] = new Date(seconds * 1000).toISOString().split(/[T.]/);
  for (const path of LOGS) {
    change(root, path, (text) => text.replaceAll(TIME, (_, gap: string) => date + gap + clock));
  }
  for (const path of CACHES) change(root, path, () => "");
}

/** Changes the text of a regular file that is there; owner and mode stay. */
function change(root: string, path: string, edit: (text: string) => string): void {
  const found = resolveIn(hostFiles(root), path);
  if (found.entry?.kind !== "file") return;
  let fd: number;
  try {
    fd = openSync(root + found.path, constants.O_RDWR | constants.O_NOFOLLOW);
  } catch {
    return;
  }
  try {
    const before = Buffer.alloc(fstatSync(fd).size);
    readSync(fd, before, 0, before.length, 0);
    // One character a byte: a log may hold anything.
    const after = Buffer.from(edit(before.toString("latin1")), "latin1");
    if (after.equals(before)) return;
    ftruncateSync(fd, after.length);
    for (let at = 0; at < after.length; ) at += writeSync(fd, after, at, after.length - at, at);
  } finally {
    closeSync(fd);
  }
}
