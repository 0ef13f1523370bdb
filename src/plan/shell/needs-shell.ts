/**
 * Thrown when a script does something that only a real shell answers rightly: it is a result, not a
 * failure, and is caught where an evaluation starts.
 */
export class NeedsShell extends Error {
  /** What was met, as a clause: `runs "nproc"`. */
  readonly reason: string;
  /** Where, filled in by the innermost script that knows: `/x.sh:7`. */
  place: string | undefined;

  constructor(reason: string, place?: string) {
    super(reason);
    this.name = "NeedsShell";
    this.reason = reason;
    this.place = place;
  }
}

/** Thrown for text that no shell accepts. `at` is the offset where it shows. */
export class ShellSyntaxError extends Error {
  readonly at: number;

  constructor(text: string, at: number) {
    super(text);
    this.name = "ShellSyntaxError";
    this.at = at;
  }
}

/**
 * Bounds that end an evaluation (the script then goes to a shell, which has a time limit). They keep
 * hostile scripts from hanging or exhausting the planner.
 */
export const LIMITS = {
  /** Compound commands, quotes and substitutions inside one another. */
  nesting: 120,
  /** Functions, sourced files and evals inside one another. */
  calls: 60,
  /** Commands, loop rounds and pattern comparisons. */
  steps: 2_000_000,
  /** Characters of one value; the kernel takes 131072 bytes for one variable. */
  valueLength: 262_144,
  /** Characters that scripts print. */
  outputLength: 1_048_576,
  /** Characters of one script. */
  scriptLength: 1_048_576,
} as const;
