import type { ScriptFiles, ScriptText } from "../shell/script-files.ts";

/** A variable given by name. */
export interface NamedValue {
  readonly name: string;
  readonly value: string;
}

export type EnvironmentAction = "exec" | "run" | "shell" | "test" | "start";

/** Variables of one evaluated `--env-file` (see `evaluateEnvFile`). */
export interface EnvFileValues {
  readonly path: string;
  readonly variables: readonly NamedValue[];
}

/** Everything the environment of the container process depends on. */
export interface EnvironmentInput {
  /** The caller's environment, order kept. */
  readonly host: Readonly<Record<string, string>>;
  readonly action: EnvironmentAction;
  /** Words after the image (and after the name, for an instance): what scripts see as `$@`. */
  readonly arguments: readonly string[];
  /** Absolute image path; its base name becomes *_NAME. */
  readonly imagePath: string;
  /** Destinations of the user's binds in order, `nonested` mounts left out. */
  readonly bindDestinations: readonly string[];
  /** Home in the container. */
  readonly home: string;
  /** Working directory the program starts in; becomes PWD. */
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
  readonly cleanEnv: boolean;
  readonly noEval: boolean;
  /** `--no-env`: names of host variables that are not taken over. */
  readonly noEnv: readonly string[];
  /** `--env`, in order; a later one of the same name wins. */
  readonly env: readonly NamedValue[];
  /** `--env-file`, evaluated, in order; a later file wins. */
  readonly envFiles: readonly EnvFileValues[];
  readonly app: string | undefined;
  /** `shell --shell`. */
  readonly shell: string | undefined;
  readonly instance: string | undefined;
  /** First process of a `--sharens` group. */
  readonly sharensMaster: boolean;
  /** Called as `singularity`: the SINGULARITYENV_ names are its own, so none is told to prefer others. */
  readonly oldNamesAreOwn?: boolean;
  /** PS1 for images that set none: "Apptainer> " or "Singularity> ". */
  readonly prompt: string;
  /** Further variables of the runtime (GPU, fakeroot); weaker than the image like all runtime variables. */
  readonly runtime: readonly NamedValue[];
  /** Whether host libraries (GPU, `--containlibs`) are bound into `/.singularity.d/libs`. */
  readonly librariesBound: boolean;
  /**
   * Default library search directories of a glibc image, in the loader's order; empty for others.
   * Asked for only when they matter: they then come before `/.singularity.d/libs`.
   */
  libraryDirectories(): readonly string[];
  /** `/.singularity.d/env/*.sh` that are regular files (links followed), in byte order; absent: no such directory. */
  readonly scripts: readonly ScriptText[] | undefined;
  /** `/environment` of images older than 2.3, only used when `scripts` is absent. */
  readonly oldEnvironment: ScriptText | undefined;
  /** Files of the container; absent: scripts that ask for any need a shell. */
  readonly files: ScriptFiles | undefined;
  /** The shell that the `shell` action starts when none is asked for: becomes SHELL. */
  readonly interactiveShell?: string | undefined;
  /** Milliseconds that a shell may take; 0: no limit (`--runscript-timeout`, default one minute). */
  readonly timeoutMs: number;
}
