/** What the container is started for; chooses the program (reference: runtime.md section 3). */
export type Action = "exec" | "run" | "shell" | "test" | "start";

/** A text and who gave it ("--bind on the command line", "APPTAINER_BIND", "bind path in skiff.conf:12"). */
export interface Given {
  readonly text: string;
  readonly origin: string;
}

/**
 * What the user asked for, parsed but not yet judged. Options keep the command line's names; absent
 * texts are `undefined`. `origins` says who set an option, for `explain` and for messages.
 */
export interface LaunchRequest {
  readonly action: Action;
  /** Name the program was called by; decides prompt and product name in messages. */
  readonly calledAs: "skiff" | "apptainer" | "singularity";
  /** Words after the image. */
  readonly args: readonly string[];
  readonly binds: readonly Given[];
  readonly mounts: readonly Given[];
  readonly home: string | undefined;
  readonly noHome: boolean;
  readonly noMount: readonly string[];
  readonly overlays: readonly string[];
  readonly writable: boolean;
  readonly writableTmpfs: boolean;
  readonly scratch: readonly string[];
  readonly workdir: string | undefined;
  readonly contain: boolean;
  readonly containAll: boolean;
  readonly cleanEnv: boolean;
  readonly noEval: boolean;
  readonly noUmask: boolean;
  readonly noInit: boolean;
  readonly env: readonly string[];
  /** The words of `env` are the whole environment, as commands of a Dockerfile have it. */
  readonly onlyEnv?: boolean;
  readonly noEnv: readonly string[];
  readonly cwd: string | undefined;
  readonly hostname: string | undefined;
  readonly dns: string | undefined;
  readonly net: boolean;
  readonly network: string | undefined;
  readonly networkArgs: readonly string[];
  readonly netnsPath: string | undefined;
  readonly pid: boolean;
  readonly noPid: boolean;
  readonly ipc: boolean;
  readonly uts: boolean;
  readonly userns: boolean;
  readonly fakeroot: boolean;
  readonly ignoreSubuid: boolean;
  readonly ignoreFakerootCommand: boolean;
  readonly ignoreUserns: boolean;
  readonly security: readonly string[];
  readonly addCaps: string | undefined;
  readonly dropCaps: string | undefined;
  readonly keepPrivs: boolean;
  readonly noPrivs: boolean;
  readonly allowSetuid: boolean;
  /** An OCI runtime carries it out, and the image's configuration says who runs what where (--oci). */
  readonly oci?: boolean;
  readonly underlay: boolean;
  readonly unsquash: boolean;
  readonly app: string | undefined;
  readonly shell: string | undefined;
  readonly runscriptTimeoutMs: number;
  /** Flags that limit resources, by their names; "apply-cgroups" among them. Only those that were given. */
  readonly limits: Readonly<Record<string, readonly string[]>>;
  /** `--fusemount` words. */
  readonly fusemounts: readonly string[];
  /** Libraries to bind below /.singularity.d/libs (--containlibs). */
  readonly containLibs: readonly string[];
  /** One container for the processes of one parent (--sharens). */
  readonly sharens: boolean;
  /** One container for the ranks of a job step; undefined: below a launcher of ranks. */
  readonly shareRanks: boolean | undefined;
  /** Name of the instance that is started, or joined. */
  readonly instance: string | undefined;
  /** Words that start the program of an instance in its place (a checkpointing tool); `isWhole`: without its own. */
  readonly under?: { readonly words: readonly string[]; readonly isWhole: boolean };
  /** `instance start --boot`: the image's own init is process 1. */
  readonly boot: boolean;
  /** Option name → who set it; missing means default. */
  readonly origins: Readonly<Record<string, string>>;
}
