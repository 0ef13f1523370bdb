import { type FlagWords, readFlagWords } from "./_flag-words.ts";
import { addEnvironment, type Environment, type EnvironmentOptions } from "./environment.ts";
import { FlagIndex, packFlags } from "./flag-index.ts";
import { FlagValues, Invocation, type Notice } from "./invocation.ts";
import type { ArgsSpec, CommandSpec } from "./spec.ts";
import { UsageFault } from "./usage-fault.ts";

/** Words of one table of flags that were read, and the table. */
export interface ReadWords extends FlagWords {
  readonly owner: string;
  readonly index: FlagIndex;
}

/** Reads the flags of one command off its words; for the program itself the rest is the command and its words. Throws UsageFault. */
export function readWords(
  command: CommandSpec,
  path: readonly string[],
  words: readonly string[],
): ReadWords {
  const index = new FlagIndex(command.packed ?? packFlags(command.flags));
  return { ...readFlagWords(command, index, path, words), owner: command.name, index };
}

/** Values of the flags of one table, and what to tell the user about them. */
export interface FinishedFlags {
  readonly flags: FlagValues;
  readonly notices: readonly Notice[];
}

/** Adds the environment to what the words said. Throws a Fault for a variable that holds no value of its flag. */
export function finishFlags(
  words: ReadWords,
  env: Environment,
  options: EnvironmentOptions,
): FinishedFlags {
  const { settings, notices } = addEnvironment(words.index, words.settings, env, options);
  const flags = new FlagValues(words.owner, words.index, settings);
  return { flags, notices: [...words.notices, ...notices] };
}

/** A call to carry out, or the wish to see the help of a command. */
export type Parsed =
  | { readonly kind: "call"; readonly invocation: Invocation }
  | { readonly kind: "help"; readonly command: CommandSpec; readonly path: readonly string[] };

/** What `parseCommand` needs besides the words. */
export interface ParseSurroundings extends EnvironmentOptions {
  readonly env: Environment;
  readonly globals: FlagValues;
  /** Come first among the notices of the invocation. */
  readonly notices?: readonly Notice[];
}

/**
 * Reads the words after a command's name: its flags, a sub-command for a group, its arguments; then
 * the environment. Throws UsageFault for the words and Fault for a bad variable.
 *
 * @example
 * parseCommand(exec, ["-B/data", "a.sif", "ls", "-l"], { env: {}, globals, preferNotice: true })
 */
export function parseCommand(
  command: CommandSpec,
  words: readonly string[],
  around: ParseSurroundings,
  path: readonly string[] = [command.name],
  group?: FlagValues,
): Parsed {
  const read = readWords(command, path, words);
  if (read.help) return { kind: "help", command, path };
  const sub = command.commands?.find((one) => one.name === read.args[0]);
  if (sub !== undefined) {
    const own = finishFlags(read, around.env, around);
    const notices = [...(around.notices ?? []), ...own.notices];
    const rest = read.args.slice(1);
    return parseCommand(sub, rest, { ...around, notices }, [...path, sub.name], own.flags);
  }
  if (command.commands !== undefined && command.bare !== "call") {
    if (command.bare === "help") return { kind: "help", command, path };
    throw new UsageFault("invalid command", "args", command, path);
  }
  const reason = countProblem(argsOf(command, read), read.args.length);
  if (reason !== undefined) throw new UsageFault(reason, "args", command, path);
  const { settings, notices } = addEnvironment(read.index, read.settings, around.env, around);
  const invocation = new Invocation({
    command,
    path,
    index: read.index,
    settings,
    args: read.args,
    globals: around.globals,
    group,
    notices: [...(around.notices ?? []), ...read.notices, ...notices],
  });
  return { kind: "call", invocation };
}

/** The rule for positional words that holds with these flags. */
function argsOf(command: CommandSpec, { settings }: FlagWords): ArgsSpec {
  for (const [flag, args] of Object.entries(command.argsWith ?? {})) {
    if (settings.get(flag)?.at(-1)?.value === "true") return args;
  }
  return command.args;
}

/** Why so many words are not what the command takes, in the reference tool's shape; or undefined. */
function countProblem({ min, max }: ArgsSpec, count: number): string | undefined {
  if (count >= min && (max === undefined || count <= max)) return undefined;
  if (max === undefined) return `requires at least ${min} arg(s), only received ${count}`;
  if (min === max) return `accepts ${min} arg(s), received ${count}`;
  if (min === 0) return `accepts at most ${max} arg(s), received ${count}`;
  return `accepts between ${min} and ${max} arg(s), received ${count}`;
}
