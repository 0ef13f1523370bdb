import {
  chmodSync,
  chownSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { errnoText } from "../../base/errno-text.ts";
import { Fault } from "../../base/fault.ts";
import { mount, unmount } from "../../host/mount-calls.ts";
import { removeTree } from "../remove-tree.ts";
import type { BuildPorts } from "../stage.ts";
import { copyDirectory } from "../unpack/unpack-image.ts";

/** How a root is put together of layers and what is changed in it is told apart. */
export interface Layering {
  readonly kind: "overlay" | "tree";
  /**
   * Shows the layers, bottom first and at least one, at `root`, which takes writes.
   *
   * @param scratch directory that does not exist yet, on the file system of the layers.
   */
  show(layers: readonly string[], root: string, scratch: string): Promise<void>;
  /** Ends that; gives the directory that is a layer of what was changed. */
  collect(root: string, scratch: string): string;
  /** Ends that and forgets what was changed. */
  drop(root: string, scratch: string): void;
}

/** Layers of an overlay: one holds what its step changed. */
export function overlayLayering(options: string): Layering {
  return {
    kind: "overlay",
    show: (layers, root, scratch) => {
      mkdirSync(`${scratch}/work`, { recursive: true, mode: 0o700 });
      mkdirSync(`${scratch}/links`);
      copyLook(layers.at(-1) ?? "", `${scratch}/root`);
      mkdirSync(root, { recursive: true, mode: 0o755 });
      const errno = -mountLayers(layers, root, scratch, options);
      if (errno === 0) return Promise.resolve();
      const reason = errnoText(errno);
      return Promise.reject(
        new Fault("unsupported", `Cannot mount the layers of the build on "${root}": ${reason}`, {
          hint: "--no-cache builds without layers",
        }),
      );
    },
    collect: (root, scratch) => {
      unmount(root);
      return `${scratch}/root`;
    },
    drop: (root, scratch) => {
      unmount(root);
      removeTree(scratch);
    },
  };
}

/** For kernels without overlays in user namespaces: each layer is the whole tree. */
export function treeLayering(ports: BuildPorts): Layering {
  return {
    kind: "tree",
    show: async (layers, root) => {
      removeTree(root);
      await copyDirectory(layers.at(-1) ?? "", root, ports);
    },
    collect: (root) => root,
    drop: (root) => {
      removeTree(root);
    },
  };
}

/**
 * Mount options with which overlays of this process work on a file system for what builds do:
 * removed directories that are made again, other owners. Undefined where they do not.
 *
 * @param folder existing directory for the trial.
 */
export function overlayOptions(folder: string): string | undefined {
  for (const options of ["userxattr,volatile", "userxattr", "redirect_dir=off,index=off"]) {
    const scratch = `${folder}/try-overlay`;
    try {
      if (isOverlayWorking(scratch, options)) return options;
    } catch {
      // The next ones may work.
    } finally {
      unmount(`${scratch}/seen`);
      removeTree(scratch);
    }
  }
  return undefined;
}

function isOverlayWorking(scratch: string, options: string): boolean {
  for (const name of ["lower/dir", "seen"]) mkdirSync(`${scratch}/${name}`, { recursive: true });
  for (const name of ["root", "work", "links"]) mkdirSync(`${scratch}/${name}`);
  writeFileSync(`${scratch}/lower/dir/file`, "");
  if (mountLayers([`${scratch}/lower`], `${scratch}/seen`, scratch, options) !== 0) return false;
  rmSync(`${scratch}/seen/dir/file`);
  rmdirSync(`${scratch}/seen/dir`);
  mkdirSync(`${scratch}/seen/dir`);
  return lstatSync(`${scratch}/seen/dir/file`, { throwIfNoEntry: false }) === undefined;
}

/** Whether files of a directory can be given to the highest id that a build uses. */
export function canChown(folder: string, id: number): boolean {
  const path = `${folder}/try-owner`;
  try {
    writeFileSync(path, "");
    chownSync(path, id, id);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(path, { force: true });
  }
}

/** Layers are named by short links: the kernel takes one page of options, and colons in no path. */
function mountLayers(
  layers: readonly string[],
  root: string,
  scratch: string,
  options: string,
): number {
  for (const [index, layer] of layers.entries()) symlinkSync(layer, `${scratch}/links/${index}`);
  symlinkSync(`${scratch}/root`, `${scratch}/links/u`);
  symlinkSync(`${scratch}/work`, `${scratch}/links/w`);
  const fd = openSync(`${scratch}/links`, "r");
  try {
    const at = `/proc/self/fd/${fd}`;
    const lower = layers.map((_, index) => `${at}/${index}`).reverse();
    const words = `lowerdir=${lower.join(":")},upperdir=${at}/u,workdir=${at}/w,${options}`;
    return mount("overlay", root, words);
  } finally {
    closeSync(fd);
  }
}

/** Makes a directory with mode, owner and times of another: the root of the layers above it. */
function copyLook(from: string, to: string): void {
  const { mode, uid, gid, atime, mtime } = statSync(from);
  mkdirSync(to);
  chownSync(to, uid, gid);
  chmodSync(to, mode & 0o7777);
  utimesSync(to, atime, mtime);
}
