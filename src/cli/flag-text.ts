import { HELP_FLAG } from "./_flag-words.ts";
import type { ProgramName } from "./program.ts";
import type { CommandSpec, FlagSpec } from "./spec.ts";

/** The flags of a command that help shows, `--help` among them, sorted by name. */
export function shownFlags(command: CommandSpec): readonly FlagSpec[] {
  const shown = command.flags.filter((flag) => flag.hidden !== true);
  return [...shown, HELP_FLAG].sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Sub-commands or commands that help shows. */
export function shownCommands(commands: readonly CommandSpec[]): readonly CommandSpec[] {
  return commands.filter((command) => command.hidden !== true && command.planned !== true);
}

/** Word for a flag's value; undefined for a boolean. */
export function metaOf(flag: FlagSpec): string | undefined {
  if (flag.kind === "bool") return undefined;
  return flag.meta ?? (flag.kind === "int" || flag.kind === "uint" ? "n" : "text");
}

/** Whether giving the flag again adds to it. */
export function isRepeatable(flag: FlagSpec): boolean {
  return flag.kind === "strings" || flag.kind === "array" || flag.kind === "map";
}

/** Environment variables of a flag, under the prefix that belongs to the program's name. */
export function envNames(flag: FlagSpec, program: ProgramName): readonly string[] {
  const bare = flag.bareEnv ?? [];
  return [...(flag.env ?? []).map((suffix) => `${program.toUpperCase()}_${suffix}`), ...bare];
}
