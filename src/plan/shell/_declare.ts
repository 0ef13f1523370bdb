import type { Assignment, Word } from "./ast.ts";
import type { BuiltinHost } from "./builtin.ts";
import { isName } from "./characters.ts";
import { expandText, expandWords, refuseBraces } from "./expand.ts";
import { NeedsShell } from "./needs-shell.ts";

interface Attributes {
  exported: boolean | undefined;
  readOnly: boolean;
  array: boolean;
  global: boolean;
}

/** One operand of a declaration after expansion. */
export type Declared =
  | {
      readonly name: string;
      readonly assignment: Assignment | undefined;
      readonly text: string | undefined;
      readonly append: boolean;
    }
  | { readonly option: string };

/** Operands of a literal `export`, `declare` …: assignments are not split, other words are. */
export function expandDeclarations(
  operands: readonly (Assignment | Word)[],
  host: BuiltinHost,
): Declared[] {
  const out: Declared[] = [];
  let options = true;
  for (const operand of operands) {
    if (!Array.isArray(operand)) {
      const assignment = operand as Assignment;
      options = false;
      out.push({ name: assignment.name, assignment, text: undefined, append: assignment.append });
      continue;
    }
    for (const text of expandWords([operand as Word], host)) {
      if (options && /^[-+]./.test(text)) {
        if (text === "--") options = false;
        else out.push({ option: text });
        continue;
      }
      options = false;
      out.push(readDeclared(text));
    }
  }
  return out;
}

/** `NAME`, `NAME=value` or `NAME+=value` as a finished word. */
export function readDeclared(text: string): Declared {
  const equals = text.indexOf("=");
  const append = equals > 0 && text[equals - 1] === "+";
  const name = equals < 0 ? text : text.slice(0, append ? equals - 1 : equals);
  if (!isName(name)) throw new NeedsShell(`declares "${name}"`);
  return {
    name,
    assignment: undefined,
    text: equals < 0 ? undefined : text.slice(equals + 1),
    append,
  };
}

/** Carries out `export`, `readonly`, `declare`, `typeset` or `local`; gives the exit status. */
export function declare(command: string, operands: readonly Declared[], host: BuiltinHost): number {
  const attributes = readAttributes(command, operands);
  const names = operands.filter((operand) => "name" in operand);
  if (names.length === 0) throw new NeedsShell(`lists variables with ${command}`);
  const inFunction = host.state.scopes.length > 0;
  if (command === "local" && !inFunction && host.isEnvFile) {
    host.streams.error.write("local: can only be used in a function\n");
    return 1;
  }
  const local =
    command === "local" ||
    (inFunction && (command === "declare" || command === "typeset") && !attributes.global);
  for (const operand of names) {
    const value = operandValue(operand, host);
    if (local) host.state.localise(operand.name);
    applyOne(operand.name, value, operand.append, attributes, host);
  }
  return 0;
}

function readAttributes(command: string, operands: readonly Declared[]): Attributes {
  const attributes: Attributes = {
    exported: command === "export" ? true : undefined,
    readOnly: command === "readonly",
    array: false,
    global: false,
  };
  for (const operand of operands) {
    if (!("option" in operand)) continue;
    const on = operand.option[0] === "-";
    for (const flag of operand.option.slice(1)) {
      const plain = command === "declare" || command === "typeset" || command === "local";
      if (flag === "x" && plain) attributes.exported = on;
      else if (flag === "n" && command === "export" && on) attributes.exported = false;
      else if (flag === "r" && plain && on) attributes.readOnly = true;
      else if (flag === "a" && on && command !== "export") attributes.array = true;
      else if (flag === "g" && on && plain) attributes.global = true;
      else throw new NeedsShell(`uses ${command} ${operand.option}`);
    }
  }
  return attributes;
}

type Value = { readonly text: string } | { readonly list: readonly string[] } | undefined;

function operandValue(operand: Exclude<Declared, { option: string }>, host: BuiltinHost): Value {
  const { assignment } = operand;
  if (assignment === undefined)
    return operand.text === undefined ? undefined : { text: operand.text };
  if (assignment.index !== undefined) throw new NeedsShell("declares an array element");
  if (assignment.elements !== undefined) {
    return {
      list: expandWords(
        assignment.elements.map((element) => element.word),
        host,
      ),
    };
  }
  refuseBraces(assignment.value ?? []);
  return { text: expandText(assignment.value ?? [], host, true) };
}

function applyOne(
  name: string,
  value: Value,
  append: boolean,
  attributes: Attributes,
  host: BuiltinHost,
): void {
  const { state } = host;
  const origin = host.origin(host.at);
  if (value !== undefined && "list" in value) {
    if (append) throw new NeedsShell("appends to an array in a declaration");
    state.setElements(name, new Map(value.list.entries()), origin);
  } else if (value !== undefined) {
    if (attributes.array) throw new NeedsShell("declares an array from a text");
    state.set(name, append ? (state.get(name) ?? "") + value.text : value.text, origin);
  } else if (attributes.array && state.lookup(name) === undefined) {
    state.setElements(name, new Map(), origin);
  }
  const marks: { exported?: boolean; readOnly?: boolean } = {};
  if (attributes.exported !== undefined) marks.exported = attributes.exported;
  if (attributes.readOnly) marks.readOnly = true;
  state.mark(name, marks, origin);
}
