/**
 * Every kind of failure skiff reports. Callers branch on the code, never on the text.
 *
 * - `usage`         the command line is wrong (the peer's exit code for these is 1)
 * - `not-found`     a named file, image, object or entry does not exist
 * - `invalid`       data that was read breaks its format
 * - `denied`        the kernel, the configuration or a file mode refuses
 * - `exists`        the target is already there
 * - `unsupported`   this host, kernel or image cannot do it
 * - `missing-tool`  a host program is not installed; the hint names the package
 * - `io`            reading or writing failed half-way (no space, I/O error)
 * - `failed`        a program that was run for the user ended badly
 */
export type FaultCode =
  | "usage"
  | "not-found"
  | "invalid"
  | "denied"
  | "exists"
  | "unsupported"
  | "missing-tool"
  | "io"
  | "failed";

export interface FaultOptions {
  /** What to do about it: one clause, shown after the message. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Exit status; 255 when absent, 1 for `usage` (reference: cli.md section 1). */
  readonly exitCode?: number;
}

/** A failure that the user can act on: what was attempted, on what, then why. No full stop. */
export class Fault extends Error {
  readonly code: FaultCode;
  readonly hint: string | undefined;
  readonly exitCode: number;

  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "Fault";
    this.code = code;
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? (code === "usage" ? 1 : 255);
  }
}
