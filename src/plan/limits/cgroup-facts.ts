/** One mounted tree of control groups. */
export interface CgroupTree {
  readonly version: 1 | 2;
  /** Version 1: those of the mount. Version 2: those that its root offers. */
  readonly controllers: readonly string[];
  /** Directory where it is mounted, and the directory of the caller's own group in it. */
  readonly mount: string;
  readonly own: string;
}

/** What this machine and this caller can do with control groups. */
export interface CgroupFacts {
  readonly trees: readonly CgroupTree[];
  /** The one file that a group of version 2 has and its root has not. */
  exists(path: string): boolean;
  canWrite(path: string): boolean;
  /** Words of a file, split at blanks. */
  words(path: string): readonly string[];
  /** Asks a running systemd for a group: `busctl`, and whose manager; absent: there is none to ask. */
  readonly systemd: { readonly tool: string; readonly bus: "user" | "system" } | undefined;
}
