import { evaluateCondition } from "./_evaluate-condition.ts";
import { runSimple } from "./_run-simple.ts";
import { LoopSignal } from "./_signals.ts";
import type { CaseCommand, Command, List, Pipeline, SimpleCommand } from "./ast.ts";
import { isName } from "./characters.ts";
import { arithmeticValue, expandPattern, expandText, expandWords } from "./expand.ts";
import type { Interpreter } from "./interpreter.ts";
import { NeedsShell } from "./needs-shell.ts";
import { matchPattern } from "./pattern.ts";

/** Carries out commands joined by `;`, `&&` and `||`; the status is left in the state. */
export function runList(shell: Interpreter, list: List): void {
  for (const [position, pipeline] of list.entries()) {
    if (pipeline.join === "&&" && shell.state.status !== 0) continue;
    if (pipeline.join === "||" && shell.state.status === 0) continue;
    const next = list[position + 1];
    const decides = next !== undefined && next.join !== ";";
    if (pipeline.background) {
      shell.at = pipeline.at;
      throw new NeedsShell("starts a background job");
    }
    if (decides || pipeline.negated) {
      shell.tolerant++;
      runPipeline(shell, pipeline);
      shell.tolerant--;
    } else {
      runPipeline(shell, pipeline);
      if (shell.state.status !== 0 && shell.state.exitOnError && shell.tolerant === 0) {
        throw new NeedsShell("fails under set -e");
      }
    }
    if (pipeline.negated) shell.state.status = shell.state.status === 0 ? 1 : 0;
  }
}

function runPipeline(shell: Interpreter, pipeline: Pipeline): void {
  const [first, ...rest] = pipeline.commands;
  if (first === undefined) return;
  if (rest.length > 0) {
    shell.at = pipeline.at;
    throw new NeedsShell("uses a pipe");
  }
  runCommand(shell, first);
}

/** Carries out one command. */
export function runCommand(shell: Interpreter, command: Command): void {
  shell.step(10);
  shell.at = command.at;
  if (command.kind === "simple") {
    runSimple(shell, command);
    return;
  }
  if (command.redirections.length === 0) {
    runCompound(shell, command);
    return;
  }
  shell.withRedirections(command.redirections, () => runCompound(shell, command));
}

function runCompound(shell: Interpreter, command: Exclude<Command, SimpleCommand>): void {
  const { state } = shell;
  switch (command.kind) {
    case "group":
      runList(shell, command.body);
      return;
    case "subshell":
      shell.runSubshell(() => runList(shell, command.body), shell.streams);
      return;
    case "if": {
      for (const branch of command.branches) {
        if (!isTrue(shell, branch.condition)) continue;
        runList(shell, branch.body);
        return;
      }
      if (command.otherwise === undefined) state.status = 0;
      else runList(shell, command.otherwise);
      return;
    }
    case "for": {
      const words =
        command.words === undefined ? state.positional : expandWords(command.words, shell);
      if (words.length === 0) state.status = 0;
      for (const word of words) {
        state.set(command.name, word, shell.origin(command.at));
        if (runLoopBody(shell, command.body)) break;
      }
      return;
    }
    case "while": {
      let status = 0;
      while (isTrue(shell, command.condition) !== command.until) {
        const ended = runLoopBody(shell, command.body);
        status = state.status;
        if (ended) break;
      }
      state.status = status;
      return;
    }
    case "case":
      runCase(shell, command);
      return;
    case "function": {
      if (!isName(command.name) && !/^[\w.:@+-]+$/.test(command.name))
        throw new NeedsShell("names a function oddly");
      state.functions.set(command.name, { body: command.body, source: shell.source });
      state.status = 0;
      return;
    }
    case "condition":
      state.status = evaluateCondition(shell, command.condition) ? 0 : 1;
      return;
    case "arithmetic":
      state.status =
        arithmeticValue(expandText(command.word, shell), shell, command.at) === 0n ? 1 : 0;
      return;
    case "unsupported":
      throw new NeedsShell(command.reason);
  }
}

function isTrue(shell: Interpreter, condition: List): boolean {
  shell.tolerant++;
  runList(shell, condition);
  shell.tolerant--;
  return shell.state.status === 0;
}

/** Runs a loop's body once; true when the loop ends. */
function runLoopBody(shell: Interpreter, body: List): boolean {
  const { tolerant } = shell;
  try {
    runList(shell, body);
    return false;
  } catch (error) {
    if (!(error instanceof LoopSignal)) throw error;
    shell.tolerant = tolerant;
    shell.state.status = 0;
    if (error.levels > 1) throw new NeedsShell("leaves several loops at once");
    return error.kind === "break";
  }
}

function runCase(shell: Interpreter, command: CaseCommand): void {
  const subject = expandText(command.subject, shell);
  let falls = false;
  let taken = false;
  for (const clause of command.clauses) {
    const matched =
      falls ||
      clause.patterns.some((pattern) =>
        matchPattern(expandPattern(pattern, shell), subject, shell),
      );
    if (!matched) continue;
    taken = true;
    if (clause.body.length === 0) shell.state.status = 0;
    runList(shell, clause.body);
    if (clause.end === ";;") return;
    falls = clause.end === ";&";
  }
  if (!taken) shell.state.status = 0;
}
