import { assign } from "./_assign.ts";
import { BUILTINS } from "./_builtins.ts";
import { declare, expandDeclarations } from "./_declare.ts";
import { redirect } from "./_redirect.ts";
import type { Assignment, SimpleCommand } from "./ast.ts";
import { expandWords } from "./expand.ts";
import type { Interpreter } from "./interpreter.ts";
import { NeedsShell } from "./needs-shell.ts";
import type { Variable } from "./state.ts";

/** Carries out a simple command: assignments, or a builtin or function with its words. */
export function runSimple(shell: Interpreter, command: SimpleCommand): void {
  shell.substituted = undefined;
  const first = command.words[0];
  if (first !== undefined && shell.state.aliases.size > 0 && first.length === 1) {
    const only = first[0];
    if (only?.kind === "text" && !only.quoted && shell.state.aliases.has(only.text)) {
      throw new NeedsShell(`uses the alias ${only.text}`);
    }
  }
  const words = expandWords(command.words, shell);
  const [name, ...args] = words;
  if (name === undefined) {
    if (command.redirections.length > 0) redirect(command.redirections, shell.streams, shell);
    for (const assignment of command.assignments) assign(shell, assignment);
    shell.state.status = shell.substituted ?? 0;
    return;
  }
  if (command.redirections.length === 0) runNamed(shell, command, name, args);
  else shell.withRedirections(command.redirections, () => runNamed(shell, command, name, args));
}

function runNamed(
  shell: Interpreter,
  command: SimpleCommand,
  name: string,
  args: readonly string[],
): void {
  const { state } = shell;
  if (command.declarations !== undefined) {
    if (command.assignments.length > 0) throw new NeedsShell(`sets variables for ${name}`);
    if (state.functions.has(name)) throw new NeedsShell(`redefines ${name}`);
    const operands = expandDeclarations(command.declarations, shell);
    state.status = declare(name, operands, shell);
    return;
  }
  const shellFunction = state.functions.get(name);
  if (shellFunction === undefined && !BUILTINS.has(name)) throw new NeedsShell(`runs "${name}"`);
  const saved = assignTemporarily(shell, command.assignments);
  try {
    if (shellFunction === undefined) state.status = shell.runBuiltin(name, args);
    else shell.callFunction(shellFunction, args);
  } finally {
    for (const [variable, value] of saved) {
      if (value === undefined) state.variables.delete(variable);
      else state.variables.set(variable, value);
    }
  }
}

function assignTemporarily(
  shell: Interpreter,
  assignments: readonly Assignment[],
): Map<string, Variable | undefined> {
  const saved = new Map<string, Variable | undefined>();
  for (const assignment of assignments) {
    const old = shell.state.variables.get(assignment.name);
    if (old?.elements !== undefined || assignment.value === undefined)
      throw new NeedsShell("sets an array for a command");
    if (!saved.has(assignment.name)) saved.set(assignment.name, old);
    assign(shell, assignment);
    shell.state.mark(assignment.name, { exported: true }, shell.origin(assignment.at));
  }
  return saved;
}
