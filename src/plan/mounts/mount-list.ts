import { Fault } from "../../base/fault.ts";
import type { FileView } from "../../base/file-view.ts";
import { dirName } from "../../base/path.ts";
import { MountTable } from "../mount-table.ts";
import type { MountFlag, MountPoint, Notice, PlannedMount } from "../plan.ts";

/** A place in the container where something can be mounted. */
export interface Place {
  readonly target: string;
  /** The starter has to make it: it lies in a directory that is mounted, not in the image. */
  readonly create: boolean;
}

export interface PlaceOptions {
  readonly kind: "dir" | "file";
  /** What is mounted, for messages: "/data" or "the home". */
  readonly what: string;
  /** Absent: a place that cannot be had is fatal; else its warning's tag, "binds", and `undefined` comes back. */
  readonly optional?: string;
}

/**
 * The mounts of a container in order, with the tree they make. It finds the place of each mount and
 * notes which mount points the image lacks.
 */
export class MountList {
  readonly table: MountTable;
  readonly notices: Notice[];
  readonly #layer: "overlay" | "underlay" | "none";
  readonly #image: FileView;
  readonly #mounts: PlannedMount[] = [];
  readonly #mountPoints = new Map<string, MountPoint>();

  /** @param image the image with its overlays. */
  constructor(image: FileView, layer: "overlay" | "underlay" | "none", notices: Notice[]) {
    this.#image = image;
    this.table = new MountTable(image);
    this.#layer = layer;
    this.notices = notices;
  }

  get mounts(): readonly PlannedMount[] {
    return this.#mounts;
  }

  /** Parents before children. */
  get mountPoints(): readonly MountPoint[] {
    return [...this.#mountPoints.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Whether missing mount points can be made in the image's tree. */
  get canMakeMountPoint(): boolean {
    return this.#layer !== "none";
  }

  /**
   * Finds where `target` leads in the container so far, and makes it if it is missing.
   *
   * @throws Fault when that cannot be and `optional` is absent.
   */
  place(target: string, options: PlaceOptions): Place | undefined {
    const ground = this.table.resolve(target);
    if (ground.entry !== undefined) {
      const isDir = ground.entry.kind === "dir";
      if (isDir !== (options.kind === "dir")) {
        return this.#refuse(
          target,
          options,
          isDir ? "the destination is a directory" : "not a directory",
        );
      }
      return { target: ground.path, create: false };
    }
    if (ground.mount !== "/") return { target: ground.path, create: true };
    if (!this.canMakeMountPoint) {
      if (options.optional === undefined) {
        this.notices.push({
          level: "warning",
          text: `By using --writable, ${target} cannot be created automatically without overlay or underlay`,
        });
      }
      return this.#refuse(target, options, `destination ${target} doesn't exist in container`);
    }
    const parent =
      ground.missing === undefined ? undefined : this.table.lstat(dirName(ground.missing));
    if (parent !== undefined && parent.kind !== "dir") {
      return this.#refuse(target, options, `${dirName(ground.missing ?? "/")} is not a directory`);
    }
    this.makeMountPoint(ground.path, options.kind);
    return { target: ground.path, create: false };
  }

  /** Makes a mount point in the layer over the image, with the directories on the way. */
  makeMountPoint(path: string, kind: "dir" | "file"): void {
    const parts = path.split("/").slice(1);
    let here = "";
    this.#addMountPoint("/", "dir");
    parts.forEach((part, index) => {
      here += `/${part}`;
      this.#addMountPoint(here, index === parts.length - 1 ? kind : "dir");
    });
  }

  #addMountPoint(path: string, kind: "dir" | "file"): void {
    if (this.#mountPoints.has(path)) return;
    const entry = this.#image.lstat(path);
    const exists = entry?.kind === "dir" && kind === "dir";
    this.#mountPoints.set(path, {
      path,
      kind,
      mode: exists ? entry.mode : kind === "dir" ? 0o755 : 0o644,
      exists,
    });
    if (!exists) this.table.addMountPoint(path, kind);
  }

  #refuse(target: string, options: PlaceOptions, why: string): undefined {
    if (options.optional === undefined) {
      throw new Fault(
        "invalid",
        `Cannot bind ${options.what} on ${target}: while mounting ${options.what}: ${why}`,
        {
          hint: "choose another destination",
        },
      );
    }
    this.notices.push({
      level: "warning",
      text: `Skipping mount ${options.what} [${options.optional}]: ${why}`,
    });
    return undefined;
  }

  /** Adds a mount and shows its tree to the ones after it. */
  add(mount: PlannedMount, view: FileView | undefined, source: string): void {
    this.#mounts.push(mount);
    this.table.add(mount.target, view, source);
  }

  /** Whether something is mounted exactly there. */
  has(target: string): boolean {
    return this.table.has(this.table.resolve(target).path);
  }
}

export const BIND_FLAGS: readonly MountFlag[] = ["nosuid", "nodev"];
