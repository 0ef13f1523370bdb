/** A program to run in a root file system that is being built. */
export interface ContainerInput {
  /** `exec`: argv is the program; `test`: the root's test script. */
  readonly action: "exec" | "test";
  readonly root: string;
  /** Program and arguments; for `test` the arguments only. */
  readonly argv: readonly string[];
  /** Variables set in the container over its own. */
  readonly env: Readonly<Record<string, string>>;
  /** Binds in the words of `--mount`, sources absolute. */
  readonly mounts: readonly string[];
  /** Whether the root takes writes. */
  readonly writable: boolean;
  /** Whether the container sees nothing of the caller's environment. */
  readonly cleanEnvironment: boolean;
  /** Working directory in the container; `/` when absent. */
  readonly cwd?: string;
  /** Further flags of `exec`. */
  readonly flags?: readonly string[];
  readonly signal: AbortSignal;
}

/** How a program in a container ended. */
export interface ContainerEnd {
  /** Exit status, 128 + number for a signal. */
  readonly status: number;
  /** As the peer says it: `exit status 1`. */
  readonly words: string;
}

/**
 * Runs a program in a root, as root, on the network of the host, with the host's /dev, /proc, /sys,
 * /tmp and /var/tmp, with no home and in `/`. Its output goes to the terminal.
 */
export type RunInContainer = (input: ContainerInput) => Promise<ContainerEnd>;
