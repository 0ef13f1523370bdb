import type { Log } from "./log.ts";

/** What a command gets besides its invocation. */
export interface Context {
  /** The name that the user called the program by. */
  readonly program: "skiff" | "singularity" | "apptainer";
  readonly log: Log;
  /** The caller's environment, as kernel text (base/os-text.ts). */
  readonly env: Readonly<Record<string, string>>;
  /** Writes a text to standard output as it is, whole, before it returns. Payload only. */
  print(text: string): void;
  /** The same to standard error, for what is no log line. */
  printError(text: string): void;
}
