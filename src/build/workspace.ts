import {
  closeSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { Fault } from "../base/fault.ts";
import { flock } from "../host/syscall.ts";
import { removeTree } from "./remove-tree.ts";

const PREFIX = "skiff-build-";
const LOCK_EX_NB = 2 | 4;
/** A workspace without a lock file is one whose maker died in its first moments. */
const UNLOCKED_LIFETIME_MS = 3_600_000;

/**
 * A temporary directory of one build. As long as the build lives it holds a lock on a file in it;
 * when the build was killed the lock is gone with it and the next build removes the rest.
 *
 *   skiff-build-RANDOM/lock     flock(2), exclusive
 *   skiff-build-RANDOM/N/…      rootfs of stage N
 */
export interface Workspace {
  readonly path: string;
  /** Makes a directory in it. */
  folder(name: string): string;
  /** Removes everything and gives the lock back. */
  remove(): void;
  /** Gives everything into the caller's care: no later build removes it. */
  keep(): void;
}

/** Makes a workspace below `parent`, after removing those that dead builds of this user left there. */
export function openWorkspace(parent: string): Workspace {
  sweepWorkspaces(parent);
  let path: string;
  let lock: number;
  try {
    path = mkdtempSync(`${parent}/${PREFIX}`);
    // Locked before it has its name, so that a sweeping build never sees it unlocked.
    lock = openSync(`${path}/lock.new`, "wx", 0o600);
    flock(lock, LOCK_EX_NB);
    renameSync(`${path}/lock.new`, `${path}/lock`);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("io", `failed to create build parent dir in "${parent}": ${reason}`, {
      cause,
      hint: "name another directory with --tmpdir or APPTAINER_TMPDIR",
    });
  }
  return {
    path,
    folder(name) {
      mkdirSync(`${path}/${name}`, { mode: 0o755, recursive: true });
      return `${path}/${name}`;
    },
    remove() {
      removeTree(path);
      closeSync(lock);
    },
    keep() {
      rmSync(`${path}/lock`);
      closeSync(lock);
    },
  };
}

/** Removes workspaces below `parent` whose builds are dead and whose owner is this user. */
export function sweepWorkspaces(parent: string): void {
  for (const name of namesIn(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = `${parent}/${name}`;
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined || !stat.isDirectory() || stat.uid !== process.getuid?.()) continue;
    if (isAbandoned(path, stat.mtimeMs)) removeTree(path);
  }
}

function isAbandoned(path: string, mtimeMs: number): boolean {
  let lock: number;
  try {
    lock = openSync(`${path}/lock`, "r");
  } catch {
    // Only a workspace just begun has no lock; anything else of this name is not ours.
    const isBegun = namesIn(path).every((name) => name === "lock.new");
    return isBegun && Date.now() - mtimeMs > UNLOCKED_LIFETIME_MS;
  }
  try {
    return flock(lock, LOCK_EX_NB) === 0;
  } finally {
    closeSync(lock);
  }
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
