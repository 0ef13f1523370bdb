import { HELP_WIDTH, setColumns, setParagraph, wrapText } from "./_layout.ts";
import { envNames, isRepeatable, metaOf, shownCommands, shownFlags } from "./flag-text.ts";
import type { ProgramName } from "./program.ts";
import { ROOT } from "./root.ts";
import type { CommandSpec, FlagSpec } from "./spec.ts";

/** Help of the program: its flags and all commands. */
export function formatProgramHelp(program: ProgramName, commands: readonly CommandSpec[]): string {
  return (
    `${ROOT.summary}\n\n${formatUsage(program, [], ROOT)}\n` +
    `Description:\n${(ROOT.description ?? []).map((text) => setParagraph(text, 2)).join("\n")}\n` +
    `Options:\n${formatFlags(program, ROOT)}\n` +
    `${formatCommands(commands)}\n` +
    formatExamples(program, ROOT)
  );
}

/** Help of one command. */
export function formatCommandHelp(
  program: ProgramName,
  path: readonly string[],
  command: CommandSpec,
): string {
  const parts = [`${command.summary}\n`, formatUsage(program, path, command)];
  if (command.description !== undefined) {
    const paragraphs = command.description.map((text) => setParagraph(text, 2));
    parts.push(`Description:\n${paragraphs.join("\n")}`);
  }
  parts.push(`Options:\n${formatFlags(program, command)}`);
  if (command.commands !== undefined) parts.push(formatCommands(command.commands));
  if (command.examples !== undefined) parts.push(formatExamples(program, command));
  return parts.join("\n");
}

/** `Usage:` and the lines that show the order of words. */
export function formatUsage(
  program: ProgramName,
  path: readonly string[],
  command: CommandSpec,
): string {
  const words: string[] = [program, "[global options...]", ...path];
  if (command !== ROOT && command.flags.length > 0) words.push("[options...]");
  const forms = [command.args, ...Object.values(command.argsWith ?? {})].map(({ usage }) =>
    `  ${[...words, usage].join(" ")}`.trimEnd(),
  );
  return `Usage:\n${forms.join("\n")}\n`;
}

/** The flags in two columns: spelling, then meaning, default and environment variables. */
export function formatFlags(program: ProgramName, command: CommandSpec): string {
  const rows = shownFlags(command).map(
    (flag) => [formatFlagName(flag), formatFlagText(flag, program)] as const,
  );
  return setColumns(rows, 30);
}

function formatFlagName(flag: FlagSpec): string {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  const meta = metaOf(flag);
  const value = meta === undefined ? "" : ` ${meta}`;
  return `  ${short}--${flag.name}${value}`;
}

function formatFlagText(flag: FlagSpec, program: ProgramName): string {
  let text = flag.help;
  if (isRepeatable(flag)) text += "; may be repeated";
  if (flag.default !== undefined && flag.default !== "") text += ` (default ${flag.default})`;
  const names = envNames(flag, program);
  if (names.length > 0) text += ` [${names.join(", ")}]`;
  return text;
}

/** `Available Commands:` and one line for each. */
export function formatCommands(commands: readonly CommandSpec[]): string {
  const shown = shownCommands(commands);
  const width = Math.max(0, ...shown.map((command) => command.name.length)) + 4;
  const lines = shown.map(({ name, summary }) => {
    const [first = "", ...more] = wrapText(summary, HELP_WIDTH - width);
    return [`  ${name}`.padEnd(width) + first, ...more.map((line) => " ".repeat(width) + line)];
  });
  return `Available Commands:\n${lines.flat().join("\n")}\n`;
}

function formatExamples(program: ProgramName, command: CommandSpec): string {
  const examples = (command.examples ?? []).map(
    ({ text, command: line }) => `  ${text}:\n    $ ${program} ${line}\n`,
  );
  return `Examples:\n${examples.join("\n")}`;
}
