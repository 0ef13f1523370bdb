import type { ExpansionHost } from "./expand.ts";
import type { Streams } from "./stream.ts";

/** What builtins need from the interpreter. */
export interface BuiltinHost extends ExpansionHost {
  readonly streams: Streams;
  /** See Interpreter. */
  readonly isEnvFile: boolean;
  /** Offset of the running command. */
  readonly at: number;
  /** Runs text as `eval` does. */
  evaluateText(text: string): number;
  /** Runs a file as `source` does. */
  sourceFile(path: string, args: readonly string[]): number;
  /** Runs a command by name, functions left out. */
  runBuiltin(name: string, args: readonly string[]): number;
  isBuiltin(name: string): boolean;
  /** A path as an absolute one. */
  absolute(path: string): string;
}

/** A command of the shell itself; gives its exit status. */
export type Builtin = (args: readonly string[], host: BuiltinHost) => number;
