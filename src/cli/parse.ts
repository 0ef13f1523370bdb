import { type FlagWords, readFlagWords } from "./_flag-words.ts";
import { addEnvironment, type Environment, type EnvironmentOptions } from "./environment.ts";
import { FlagValues, Invocation, type Notice } from "./invocation.ts";
import type { ArgsSpec, CommandSpec, FlagSpec } from "./spec.ts";
import { UsageFault } from "./usage-fault.ts";

/** The words before the command taken apart; the environment is not looked at yet. */
export interface GlobalWords {
  readonly flags: FlagWords;
  /** Name of the command; absent when there is none. */
  readonly verb: string | undefined;
  /** Words after it. */
  readonly rest: readonly string[];
}

/** Reads the global flags, which only count before the command. Throws UsageFault. */
export function parseGlobals(root: CommandSpec, words: readonly string[]): GlobalWords {
  const flags = readFlagWords(root, [], words);
  return { flags, verb: flags.args[0], rest: flags.args.slice(1) };
}

/** Values of the global flags, environment included. Throws a Fault for a bad variable. */
export function finishGlobals(
  root: CommandSpec,
  words: GlobalWords,
  env: Environment,
  options: EnvironmentOptions,
): { readonly globals: FlagValues; readonly notices: readonly Notice[] } {
  const { settings, notices } = addEnvironment(root.flags, words.flags.settings, env, options);
  return { globals: new FlagValues(root.name, root.flags, settings), notices };
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
  const flagWords = readFlagWords(command, path, words);
  if (flagWords.help) return { kind: "help", command, path };
  if (command.commands !== undefined) {
    const name = flagWords.args[0];
    const sub = command.commands.find((one) => one.name === name);
    if (sub === undefined) {
      if (command.bare === "help") return { kind: "help", command, path };
      throw new UsageFault("invalid command", "args", command, path);
    }
    const values = readEnvironment(command.flags, flagWords, command.name, around);
    const notices = [...(around.notices ?? []), ...values.notices];
    const rest = flagWords.args.slice(1);
    return parseCommand(sub, rest, { ...around, notices }, [...path, sub.name], values.flags);
  }
  const reason = countProblem(command.args, flagWords.args.length);
  if (reason !== undefined) throw new UsageFault(reason, "args", command, path);
  const { settings, notices } = addEnvironment(
    command.flags,
    flagWords.settings,
    around.env,
    around,
  );
  const invocation = new Invocation({
    command,
    path,
    settings,
    args: flagWords.args,
    globals: around.globals,
    group,
    notices: [...(around.notices ?? []), ...flagWords.notices, ...notices],
  });
  return { kind: "call", invocation };
}

function readEnvironment(
  specs: readonly FlagSpec[],
  words: FlagWords,
  owner: string,
  around: ParseSurroundings,
): { readonly flags: FlagValues; readonly notices: readonly Notice[] } {
  const { settings, notices } = addEnvironment(specs, words.settings, around.env, around);
  return { flags: new FlagValues(owner, specs, settings), notices: [...words.notices, ...notices] };
}

/** Why so many words are not what the command takes, in the reference tool's shape; or undefined. */
function countProblem({ min, max }: ArgsSpec, count: number): string | undefined {
  if (count >= min && (max === undefined || count <= max)) return undefined;
  if (max === undefined) return `requires at least ${min} arg(s), only received ${count}`;
  if (min === max) return `accepts ${min} arg(s), received ${count}`;
  if (min === 0) return `accepts at most ${max} arg(s), received ${count}`;
  return `accepts between ${min} and ${max} arg(s), received ${count}`;
}
