import { type FileEntry, type FileView, type Resolved, resolveIn } from "../base/file-view.ts";
import { isWithin } from "../base/path.ts";

interface Mounted {
  readonly target: string;
  /** Tree and directory (or file) in it that stands at `target`; absent: an empty session directory. */
  readonly view: FileView | undefined;
  readonly source: string;
}

/** What stands at a path of the container, and on whose ground. */
export interface Ground extends Resolved {
  /** Mount whose tree holds the path (or its missing part); `/` for the image. */
  readonly mount: string;
  /** Whether that mount is an empty directory of the session, where anything can be made. */
  readonly session: boolean;
}

const EMPTY_DIR: FileEntry = { kind: "dir", mode: 0o755, uid: 0, gid: 0, sizeBytes: 0, id: "" };

/**
 * The container's tree as it will be after the mounts so far: the image with its layers, and over it
 * what has been bound. Pure: it only looks at the views it was given.
 */
export class MountTable implements FileView {
  readonly #root: FileView;
  /** Latest last; the latest that holds a path wins. */
  readonly #mounts: Mounted[] = [];
  /** Mount points made, directories and files, in the image's lower layer. */
  readonly #mountPoints = new Map<string, "dir" | "file">();

  constructor(root: FileView) {
    this.#root = root;
  }

  /** Records a mount of `source` in `view` at canonical `target`; no view: an empty session directory. */
  add(target: string, view: FileView | undefined, source: string): void {
    this.#mounts.push({ target, view, source });
  }

  addMountPoint(path: string, kind: "dir" | "file"): void {
    this.#mountPoints.set(path, kind);
  }

  has(target: string): boolean {
    return this.#mounts.some((m) => m.target === target);
  }

  /** Whether the path is the image's own: nothing is mounted over it. */
  isImage(path: string): boolean {
    return this.#mountOf(path) === undefined;
  }

  resolve(path: string): Ground {
    const resolved = resolveIn(this, path);
    const mount = this.#mountOf(resolved.path);
    return {
      ...resolved,
      mount: mount?.target ?? "/",
      session: mount !== undefined && mount.view === undefined,
    };
  }

  lstat(path: string): FileEntry | undefined {
    const mount = this.#mountOf(path);
    if (mount === undefined) {
      const point = this.#mountPoints.get(path);
      if (point !== undefined) return { ...EMPTY_DIR, kind: point };
      return this.#root.lstat(path);
    }
    if (mount.view === undefined) return path === mount.target ? EMPTY_DIR : undefined;
    return mount.view.lstat(this.#inside(mount, path));
  }

  list(path: string): readonly string[] | undefined {
    const mount = this.#mountOf(path);
    const names = new Set<string>();
    if (mount === undefined) for (const name of this.#root.list(path) ?? []) names.add(name);
    else if (mount.view !== undefined) {
      for (const name of mount.view.list(this.#inside(mount, path)) ?? []) names.add(name);
    }
    for (const { target } of this.#mounts) {
      if (target.slice(0, target.lastIndexOf("/")) === (path === "/" ? "" : path)) {
        names.add(target.slice(target.lastIndexOf("/") + 1));
      }
    }
    return [...names].sort();
  }

  read(path: string, limitBytes?: number): Uint8Array | undefined {
    const mount = this.#mountOf(path);
    if (mount === undefined) return this.#root.read(path, limitBytes);
    return mount.view?.read(this.#inside(mount, path), limitBytes);
  }

  #mountOf(path: string): Mounted | undefined {
    for (let i = this.#mounts.length - 1; i >= 0; i--) {
      const mount = this.#mounts[i] as Mounted;
      if (isWithin(mount.target, path)) return mount;
    }
    return undefined;
  }

  #inside(mount: Mounted, path: string): string {
    if (path === mount.target) return mount.source;
    return `${mount.source === "/" ? "" : mount.source}${path.slice(mount.target === "/" ? 0 : mount.target.length)}`;
  }
}
