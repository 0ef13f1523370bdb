import type { ParameterPart } from "./ast.ts";
import type { ShellState } from "./state.ts";

/** Several values at once: `$@`, `${a[*]}`; `joined`: `*`, which double quotes turn into one word. */
export interface Values {
  readonly list: readonly string[];
  readonly joined: boolean;
}

/** `"$*"`: joined by the first character of IFS. */
export function joinValues(list: readonly string[], state: ShellState): string {
  const separator = state.get("IFS");
  return list.join(separator === undefined ? " " : (separator[0] ?? ""));
}

/** In an assignment `$@` joins with a space, `$*` with the first character of IFS. */
export function joinAssigned(values: Values, state: ShellState): string {
  return values.joined ? joinValues(values.list, state) : values.list.join(" ");
}

/** Whether the subscripts run from 0 without holes. */
export function isDense(name: string, state: ShellState): boolean {
  let next = 0;
  for (const index of arrayElements(name, state).keys()) if (index !== next++) return false;
  return true;
}

/** The values of `$@`, `$*`, `${a[@]}`, `${a[*]}`; undefined for a single value. */
export function listValue(
  name: string,
  index: ParameterPart["index"],
  state: ShellState,
): Values | undefined {
  if (name === "@" || name === "*") return { list: state.positional, joined: name === "*" };
  if (index !== "@" && index !== "*") return undefined;
  return { list: [...arrayElements(name, state).values()], joined: index === "*" };
}

/** Elements in the order of their subscripts; a scalar counts as element 0. */
export function arrayElements(name: string, state: ShellState): ReadonlyMap<number, string> {
  const variable = state.lookup(name);
  if (variable?.elements !== undefined)
    return new Map([...variable.elements].sort((a, b) => a[0] - b[0]));
  return variable?.value === undefined ? new Map() : new Map([[0, variable.value]]);
}
