/**
 * Message levels as the reference tool numbers them (its MESSAGELEVEL variable speaks them).
 * A line is written when its own level is at most that of the log.
 */
export const LOG_LEVELS: {
  readonly fatal: -4;
  readonly error: -3;
  readonly warning: -2;
  readonly info: 1;
  readonly verbose: 4;
  readonly debug: 5;
} = { fatal: -4, error: -3, warning: -2, info: 1, verbose: 4, debug: 5 };

export type LogKind = keyof typeof LOG_LEVELS;

export interface LogOptions {
  /** Highest level that is written. -q is -1, -s is -3. */
  readonly level: number;
  /** Asked for at most once, when the first line is written. */
  isColor(): boolean;
  /** Writes one whole line, line end included. */
  write(line: string): void;
  /** `U=uid,P=pid`, shown in every line at debug level. */
  identity(): string;
}

/** Messages to the user, one line each on stderr. `where` names the part that speaks; shown at debug level only. */
export interface Log {
  readonly level: number;
  fatal(text: string): void;
  error(text: string, where?: string): void;
  warning(text: string, where?: string): void;
  info(text: string, where?: string): void;
  verbose(text: string, where?: string): void;
  debug(text: string, where?: string): void;
}

/** The part of the global flags that sets the level. */
export interface LevelFlags {
  bool(name: "debug" | "verbose" | "quiet" | "silent"): boolean;
}

/**
 * Level that the flags ask for, the loudest flag first; without any, MESSAGELEVEL, which only ever
 * raises it (a caller at that level started us); else 1.
 */
export function readLevel(
  flags: LevelFlags | undefined,
  env: Readonly<Record<string, string>>,
): number {
  if (flags?.bool("debug") === true) return LOG_LEVELS.debug;
  if (flags?.bool("verbose") === true) return LOG_LEVELS.verbose;
  if (flags?.bool("quiet") === true) return -1;
  if (flags?.bool("silent") === true) return LOG_LEVELS.error;
  const text = env["APPTAINER_MESSAGELEVEL"] ?? env["SINGULARITY_MESSAGELEVEL"] ?? "";
  return /^[0-9]$/.test(text) ? Math.max(1, Number(text)) : LOG_LEVELS.info;
}

const COLORS: Readonly<Record<LogKind, string>> = {
  fatal: "\x1b[31m",
  error: "\x1b[31m",
  warning: "\x1b[33m",
  info: "\x1b[34m",
  verbose: "",
  debug: "",
};

/** A log that writes `WARNING: text` lines in the reference tool's layout. */
export function createLog(options: LogOptions): Log {
  let isColor: boolean | undefined;
  const say = (kind: LogKind, text: string, where = "main"): void => {
    if (LOG_LEVELS[kind] > options.level) return;
    isColor ??= options.isColor();
    const color = isColor ? COLORS[kind] : "";
    options.write(`${formatPrefix(kind, color, where)}${text}\n`);
  };
  const formatPrefix = (kind: LogKind, color: string, where: string): string => {
    const end = color === "" ? "" : "\x1b[0m";
    const word = kind.toUpperCase();
    if (options.level < LOG_LEVELS.debug) return `${color}${`${word}:`.padEnd(8)}${end} `;
    const who = `[${options.identity()}]`.padEnd(19);
    return `${color}${word.padEnd(8)}${end}${who}${`${where}()`.padEnd(30)}`;
  };
  return {
    level: options.level,
    fatal: (text) => say("fatal", text),
    error: (text, where) => say("error", text, where),
    warning: (text, where) => say("warning", text, where),
    info: (text, where) => say("info", text, where),
    verbose: (text, where) => say("verbose", text, where),
    debug: (text, where) => say("debug", text, where),
  };
}
