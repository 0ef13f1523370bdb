import type { ScriptFiles, ScriptText } from "../shell/script-files.ts";

export type { ScriptFiles, ScriptText };

/** A variable of the container process and where its value comes from. */
export interface EnvironmentVariable {
  readonly name: string;
  readonly value: string;
  /** For people: `host`, `--env on the command line`, `APPTAINERENV_X`, `runtime`, `/.singularity.d/env/90-environment.sh:3`. */
  readonly origin: string;
}

/** A variable given by name. */
export interface NamedValue {
  readonly name: string;
  readonly value: string;
}

/** A message for the user, without prefix. */
export interface EnvironmentNotice {
  readonly level: "error" | "warning" | "info" | "verbose" | "debug";
  readonly text: string;
}

/** What the scripts wrote, in order: 1 is standard output, 2 standard error. */
export interface ScriptOutput {
  readonly stream: 1 | 2;
  readonly text: string;
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
  /** Milliseconds that a shell may take; 0: no limit (`--runscript-timeout`, default one minute). */
  readonly timeoutMs: number;
}

/** The environment is known before the launch: no shell runs. */
export interface DirectEnvironment {
  readonly kind: "direct";
  readonly variables: readonly EnvironmentVariable[];
  /** What scripts printed; to be printed before the program starts. */
  readonly output: readonly ScriptOutput[];
  /** A script called `exit`: the launch ends with this status after printing `output`. */
  readonly exit: number | undefined;
  /** A script called `umask`. */
  readonly umask: number | undefined;
  /** A script replaced the words of the command with `set --`. */
  readonly arguments: readonly string[] | undefined;
  readonly notices: readonly EnvironmentNotice[];
}

/** Some script needs a real shell: one runs inside the container before the program (`EnvironOp`). */
export interface ShellEnvironment {
  readonly kind: "shell";
  /** Which construct needs it, with its place: `/.singularity.d/env/90-environment.sh:7: runs "nproc"`. */
  readonly reason: string;
  /** Words for bash, the program's name first: `bash --norc --noprofile -c SCRIPT NAME ARGUMENT…`. */
  readonly argv: readonly string[];
  /** `NAME=value` strings that bash starts with. */
  readonly env: readonly string[];
  /** Name prefixes carried over from the present environment; always empty: the driver restores by itself. */
  readonly keep: readonly string[];
  readonly timeoutMs: number;
  /** What is known beforehand, for `explain`; scripts may still change any of it. */
  readonly predicted: readonly EnvironmentVariable[];
  readonly notices: readonly EnvironmentNotice[];
}

export type EnvironmentPlan = DirectEnvironment | ShellEnvironment;
