/** A variable of the container process and where its value comes from. */
export interface EnvironmentVariable {
  readonly name: string;
  readonly value: string;
  /** For people: `host`, `--env on the command line`, `APPTAINERENV_X`, `runtime`, `/.singularity.d/env/90-environment.sh:3`. */
  readonly origin: string;
}

/** A message for the user, without prefix. */
export interface EnvironmentNotice {
  readonly level: "warning" | "info";
  readonly text: string;
}

/** What the scripts wrote, in order: 1 is standard output, 2 standard error. */
export interface ScriptOutput {
  readonly stream: 1 | 2;
  readonly text: string;
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
