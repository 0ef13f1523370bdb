/**
 * The shape of the one declarative table of commands. Parser, help, completions and man pages all
 * read it, so a flag is written down once.
 *
 *   words ─► parse.ts ──┐
 *   help.ts  ◄──────────┤ CommandSpec ─► FlagSpec
 *   complete/ man.ts ◄──┘
 */

/**
 * How a flag takes its value:
 *
 * - `bool`    none needed; `--flag=false` turns it off
 * - `string`  one; the last wins
 * - `int`     one 64-bit number, decimal or with 0x, 0o, 0b, 0 prefix; the last wins
 * - `strings` repeatable, each value one line of CSV
 * - `array`   repeatable, each value taken as it is
 * - `map`     repeatable `key=value`; CSV only when the value has more than one `=`
 */
export type FlagKind = "bool" | "string" | "int" | "uint" | "strings" | "array" | "map";

/** What a value names, for completion. */
export type ValueHint = "file" | "dir" | "image" | "none" | readonly string[];

/** Another spelling of a flag: same value, own name. */
export interface FlagAlias {
  readonly name: string;
  /** Left out of help and completion. */
  readonly hidden?: boolean;
  /** What to use instead; using the alias prints `Flag --name has been deprecated, <text>`. */
  readonly deprecated?: string;
}

export interface FlagSpec {
  /** Long name, without dashes. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  readonly kind: FlagKind;
  /** Suffixes of environment variables, strongest first: `BIND` is read as PREFIX_BIND for each prefix. */
  readonly env?: readonly string[];
  /** Environment variables also read without a prefix, when no prefixed one is set. */
  readonly bareEnv?: readonly string[];
  /** Environment values are added after those of the command line instead of being ignored; all of `env` count. */
  readonly appendEnv?: boolean;
  /** Value when nothing sets the flag, written as on the command line; absent: false, "", 0 or empty. */
  readonly default?: string;
  /** Word for the value in help. */
  readonly meta?: string;
  /** One sentence fragment, lower case, no full stop. */
  readonly help: string;
  /** Left out of help and completion; works all the same. */
  readonly hidden?: boolean;
  /** What to use instead. */
  readonly deprecated?: string;
  readonly aliases?: readonly FlagAlias[];
  readonly values?: ValueHint;
}

/**
 * A flag as a row of texts: what the parser looks at for every flag, then the whole as JSON for the
 * few flags that are given. A launch has a hundred flags; building that many objects takes 0.3 ms,
 * loading rows 0.08 ms. Lists are separated by blanks.
 *
 *   [name, short, kind, environment suffixes, bare variables, default, FlagSpec as JSON]
 */
export type PackedFlag = readonly [
  name: string,
  short: string,
  kind: FlagKind,
  env: string,
  bareEnv: string,
  value: string,
  json: string,
];

/** How many positional words a command takes. */
export interface ArgsSpec {
  readonly min: number;
  /** Absent: any number. */
  readonly max?: number;
  /** As shown after the command in the usage line, such as `<image> <command> [args...]`. */
  readonly usage: string;
  /** What each position names, for completion; the last one repeats. */
  readonly values?: readonly ValueHint[];
}

export interface Example {
  readonly text: string;
  readonly command: string;
}

export interface CommandSpec {
  readonly name: string;
  /** One line, capital first letter, no full stop. */
  readonly summary: string;
  /** Paragraphs for help and man page. */
  readonly description?: readonly string[];
  readonly flags: readonly FlagSpec[];
  /** The same flags as rows made at build time (flag-index.ts), where start-up counts; `flags` is then not looked at by the parser. */
  readonly packed?: readonly PackedFlag[];
  readonly args: ArgsSpec;
  /** What holds instead of `args` when the boolean flag of that name is on. */
  readonly argsWith?: Readonly<Record<string, ArgsSpec>>;
  /** Flags may also stand after positional words. */
  readonly interspersed?: boolean;
  /** Sub-commands; then `args` applies only where `bare` is "call". */
  readonly commands?: readonly CommandSpec[];
  /**
   * A group called without a known sub-command: "help" shows its help (exit 0), "call" runs the
   * group itself by `args`; absent: an error.
   */
  readonly bare?: "help" | "call";
  /** Failures are reported as errors of usage with exit 1, as the reference tool does for some commands. */
  readonly faults?: "usage";
  readonly hidden?: boolean;
  /** In the table, so that its words are known, but not in this version: left out of overviews and manual pages. */
  readonly planned?: boolean;
  readonly examples?: readonly Example[];
}
