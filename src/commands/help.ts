import { findCommand, loadAllCommands } from "../cli/command-index.ts";
import {
  formatCommandHelp,
  formatCommands,
  formatFlags,
  formatProgramHelp,
  formatUsage,
} from "../cli/help.ts";
import type { Invocation } from "../cli/invocation.ts";
import { ROOT } from "../cli/root.ts";
import type { CommandSpec } from "../cli/spec.ts";
import { suggestNames } from "../cli/suggest.ts";
import type { UsageFault } from "../cli/usage-fault.ts";
import type { Context } from "../terminal/context.ts";

/** `help [command [sub-command]]`: always ends with status 0. */
export async function run(invocation: Invocation, context: Context): Promise<number> {
  const [name, ...rest] = invocation.args;
  if (name === undefined) return await showProgram(context, true, undefined);
  let command = await findCommand(name);
  if (command === undefined) {
    context.print(`Unknown help topic [\`${name}\`]\n`);
    context.print(await formatBrief(context));
    return 0;
  }
  const path = [name];
  for (const word of rest) {
    const sub: CommandSpec | undefined = command.commands?.find((one) => one.name === word);
    if (sub === undefined) break;
    command = sub;
    path.push(word);
  }
  return showCommand(context, command, path);
}

/**
 * The whole help when the user asked for it (status 0). Else what is printed for a command line
 * without a command, or with an unknown one: usage and commands (status 1).
 */
export async function showProgram(
  context: Context,
  isWanted: boolean,
  unknown: string | undefined,
): Promise<number> {
  if (isWanted) {
    context.print(formatProgramHelp(context.program, await loadAllCommands()));
    return 0;
  }
  if (unknown !== undefined) {
    const names = (await loadAllCommands()).map((command) => command.name);
    const guesses = suggestNames(unknown, names);
    const hint = guesses.length === 0 ? "" : `\nDid you mean this?\n\t${guesses.join("\n\t")}\n\n`;
    const line = `Error: unknown command ${JSON.stringify(unknown)} for "${context.program}"\n`;
    context.printError(line + hint);
  }
  context.print(await formatBrief(context));
  return 1;
}

/** Help of one command, status 0. */
export function showCommand(
  context: Context,
  command: CommandSpec,
  path: readonly string[],
): number {
  context.print(formatCommandHelp(context.program, path, command));
  return 0;
}

/** The reason on standard error; what helps (options, or the usage line) on standard output; status 1. */
export function showUsageFault(context: Context, fault: UsageFault): number {
  const { command, path, about } = fault;
  const name = path.at(-1) ?? context.program;
  const hint = fault.hint === undefined ? "" : `; ${fault.hint}`;
  context.printError(`Error for command ${JSON.stringify(name)}: ${fault.message}${hint}\n\n`);
  if (about === "flags") {
    context.print(`Options for ${name} command:\n\n${formatFlags(context.program, command)}\n`);
  } else {
    context.print(`${formatUsage(context.program, path, command)}\n`);
    if (command.commands !== undefined) context.print(`${formatCommands(command.commands)}\n`);
  }
  const topic = ["help", ...path].join(" ");
  context.print(`Run '${context.program} ${topic}' for more detailed usage information.\n`);
  return 1;
}

async function formatBrief(context: Context): Promise<string> {
  const { program } = context;
  return (
    `${formatUsage(program, [], ROOT)}\n${formatCommands(await loadAllCommands())}\n` +
    `Run '${program} --help' for more detailed usage information.\n`
  );
}
