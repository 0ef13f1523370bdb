import type { Log } from "./log.ts";

/** The name a user called the program by; it decides version text and names in messages. */
export type ProgramName = "skiff" | "singularity" | "apptainer";

/** What a command gets besides its invocation. */
export interface Context {
  readonly program: ProgramName;
  readonly log: Log;
  /** The caller's environment. */
  readonly env: Readonly<Record<string, string>>;
}
