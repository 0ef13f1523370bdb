import type { FileView } from "../../base/file-view.ts";

/** A shell script by the path it has in the container (or on the host, for `--env-file`). */
export interface ScriptText {
  readonly path: string;
  readonly text: string;
}

/**
 * The files that scripts may ask about: `-f`, globs, `source`, `command -v`. An answer is only
 * given for paths whose truth is known before the launch; for all others a script needs a shell.
 */
export interface ScriptFiles {
  readonly view: FileView;
  /**
   * Whether the view shows what the container will have at this clean absolute path. False for
   * everything below a bind, the home, /proc, /dev, /sys and the like.
   */
  isKnown(path: string): boolean;
  /** Who the scripts run as, for `-r`, `-w` and `-x`. */
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}
