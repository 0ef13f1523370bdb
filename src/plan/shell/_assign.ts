import type { Assignment } from "./ast.ts";
import { arithmeticValue, expandText, expandWords } from "./expand.ts";
import type { Interpreter } from "./interpreter.ts";
import { NeedsShell } from "./needs-shell.ts";

/** Carries out one assignment. */
export function assign(shell: Interpreter, assignment: Assignment): void {
  const { state } = shell;
  const { name, append } = assignment;
  const origin = shell.origin(assignment.at);
  if (assignment.elements !== undefined) {
    const words = expandWords(
      assignment.elements.map((element) => element.word),
      shell,
    );
    const elements = new Map(append ? elementsOf(shell, name) : []);
    let next = Math.max(-1, ...elements.keys());
    for (const word of words) elements.set(++next, word);
    state.setElements(name, elements, origin);
    return;
  }
  const value = expandText(assignment.value ?? [], shell, true);
  if (assignment.index !== undefined) {
    const index = Number(
      arithmeticValue(expandText(assignment.index, shell), shell, assignment.at),
    );
    if (index < 0 || index > 100_000) throw new NeedsShell("uses an unusual array subscript");
    const elements = new Map(elementsOf(shell, name));
    elements.set(index, append ? (elements.get(index) ?? "") + value : value);
    state.setElements(name, elements, origin);
    return;
  }
  state.set(name, append ? (state.get(name) ?? "") + value : value, origin);
}

function elementsOf(shell: Interpreter, name: string): ReadonlyMap<number, string> {
  const variable = shell.state.lookup(name);
  if (variable?.elements !== undefined) return variable.elements;
  return variable?.value === undefined ? new Map() : new Map([[0, variable.value]]);
}
