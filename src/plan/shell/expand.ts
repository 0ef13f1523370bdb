import { FieldBuilder } from "./_fields.ts";
import { assignmentTildes, tilde } from "./_tilde.ts";
import {
  arrayElements,
  isDense,
  joinAssigned,
  joinValues,
  listValue,
  type Values,
} from "./_values.ts";
import { evaluateArithmetic } from "./arithmetic.ts";
import type { List, ParameterPart, Part, Word } from "./ast.ts";
import { isName } from "./characters.ts";
import type { ContainerFiles } from "./container-files.ts";
import { LIMITS, NeedsShell } from "./needs-shell.ts";
import { escapePattern, isPattern, type StepCounter } from "./pattern.ts";
import type { Origin, ShellState } from "./state.ts";
import { changeCase, removeMatch, replaceMatch, requireAscii, takeSubstring } from "./transform.ts";

/** What expansions need from the one who runs commands. */
export interface ExpansionHost extends StepCounter {
  readonly state: ShellState;
  readonly files: ContainerFiles;
  /** Output of a command substitution, final newlines removed. */
  substitute(body: List): string;
  /** Place of an offset in the running script. */
  origin(at: number): Origin;
}

/** Words of a command: expansion, splitting, file patterns, quote removal. */
export function expandWords(words: readonly Word[], host: ExpansionHost): string[] {
  const out: string[] = [];
  for (const word of words) {
    const only = word.length === 1 ? word[0] : undefined;
    if (only?.kind === "text" && (only.quoted || !/[*?[~{]/.test(only.text))) out.push(only.text);
    else expandWord(word, host, out);
  }
  return out;
}

function expandWord(word: Word, host: ExpansionHost, out: string[]): void {
  refuseBraces(word);
  const fields = new FieldBuilder(host.state.get("IFS"));
  addParts(word, fields, host, false);
  const done = fields.finish();
  if (fields.hadEmptyList && word.length > 1 && done[0]?.text === "") {
    throw new NeedsShell('combines an empty "$@" with other empty text');
  }
  for (const field of done) {
    if (!field.active || host.state.noGlob || !isPattern(field.pattern)) {
      out.push(field.text);
      continue;
    }
    const why = `expands the file pattern "${field.text}"`;
    if (field.pattern.includes("\\") && /\\[^*?[\]\\]/.test(field.pattern))
      throw new NeedsShell(why);
    const found = field.pattern.startsWith("/")
      ? host.files.glob(field.pattern, why)
      : relative(why);
    if (found.length === 0) out.push(field.text);
    else out.push(...found);
  }
}

function relative(why: string): string[] {
  throw new NeedsShell(why);
}

/** Brace expansion multiplies words; environment scripts hardly use it. */
export function refuseBraces(word: Word): void {
  let open = false;
  let list = false;
  for (const part of word) {
    if (part.kind !== "text" || part.quoted) continue;
    if (part.text.includes("{")) open = true;
    if (open && (part.text.includes(",") || part.text.includes(".."))) list = true;
    if (list && part.text.includes("}")) throw new NeedsShell("uses brace expansion");
  }
}

function addParts(word: Word, fields: FieldBuilder, host: ExpansionHost, operand: boolean): void {
  for (const [position, part] of word.entries()) {
    if (part.kind === "text") {
      if (part.quoted) fields.quoted(part.text);
      else {
        const text =
          position === 0
            ? tilde(part.text, word.length === 1, false, host.state, fields)
            : part.text;
        if (operand) fields.split(text);
        else fields.literal(text);
      }
      continue;
    }
    if (part.kind === "parameter") {
      addParameter(part, fields, host);
      continue;
    }
    const value = simpleValue(part, host);
    if (part.kind !== "unsupported" && part.quoted) fields.quoted(value);
    else fields.split(value);
  }
}

function addParameter(part: ParameterPart, fields: FieldBuilder, host: ExpansionHost): void {
  const value = parameterValue(part, host);
  if (typeof value === "string") {
    if (part.quoted) fields.quoted(value);
    else fields.split(value);
    return;
  }
  if (Array.isArray(value)) {
    if (part.quoted) fields.quoted("");
    addParts(value, fields, host, !part.quoted);
    return;
  }
  const values = value as Values;
  if (part.quoted && values.joined) fields.quoted(joinValues(values.list, host.state));
  else if (part.quoted) fields.quotedList(values.list);
  else fields.splitList(values.list);
}

function simpleValue(
  part: Exclude<Part, ParameterPart | { kind: "text" }>,
  host: ExpansionHost,
): string {
  switch (part.kind) {
    case "command":
      return host.substitute(part.body);
    case "arithmetic":
      return arithmetic(part.word, host, part.at).toString();
    case "unsupported":
      throw new NeedsShell(part.reason);
  }
}

function arithmetic(word: Word, host: ExpansionHost, at: number): bigint {
  return arithmeticValue(expandText(word, host), host, at);
}

/** Value of arithmetic text with the shell's variables. */
export function arithmeticValue(text: string, host: ExpansionHost, at: number): bigint {
  host.step(1 + text.length);
  return evaluateArithmetic(text, {
    get: (name) => host.state.get(name),
    set: (name, value) => host.state.set(name, value, host.origin(at)),
  });
}

/** One text without splitting or file patterns; `assignment`: tildes after colons too. */
export function expandText(word: Word, host: ExpansionHost, assignment = false): string {
  let out = "";
  for (const [position, part] of word.entries()) {
    if (part.kind === "text") {
      if (part.quoted) out += part.text;
      else if (assignment)
        out += assignmentTildes(
          part.text,
          position === 0,
          position === word.length - 1,
          host.state,
        );
      else
        out += position === 0 ? tilde(part.text, word.length === 1, false, host.state) : part.text;
    } else if (part.kind === "parameter") {
      const value = parameterValue(part, host);
      if (typeof value === "string") out += value;
      else if (Array.isArray(value)) out += expandText(value, host);
      else out += joinAssigned(value as Values, host.state);
    } else {
      out += simpleValue(part, host);
    }
  }
  if (out.length > LIMITS.valueLength) throw new NeedsShell("makes a value too long");
  return out;
}

/** One pattern: quoted characters escaped (by `quote`), the others active. */
export function expandPattern(
  word: Word,
  host: ExpansionHost,
  quote: (text: string) => string = escapePattern,
): string {
  let out = "";
  for (const [position, part] of word.entries()) {
    if (part.kind === "text") {
      if (part.quoted) out += quote(part.text);
      else
        out += position === 0 ? tilde(part.text, word.length === 1, false, host.state) : part.text;
      continue;
    }
    let value: string;
    let quoted = false;
    if (part.kind === "parameter") {
      quoted = part.quoted;
      const found = parameterValue(part, host);
      if (Array.isArray(found)) {
        out += expandPattern(found, host, quote);
        continue;
      }
      value = typeof found === "string" ? found : joinAssigned(found as Values, host.state);
    } else {
      value = simpleValue(part, host);
      quoted = part.kind !== "unsupported" && part.quoted;
    }
    out += quoted ? quote(value) : value;
  }
  if (out.length > LIMITS.valueLength) throw new NeedsShell("makes a value too long");
  return out;
}

/** A scalar, several values, or the parts of a default that stands in. */
function parameterValue(part: ParameterPart, host: ExpansionHost): string | Values | Word {
  const { state } = host;
  host.step(1);
  let { name, index } = part;
  if (part.indirect) {
    if (index === "@" || index === "*") {
      const elements = arrayElements(name, host.state);
      return { list: [...elements.keys()].map(String), joined: index === "*" };
    }
    const target = scalar(name, index, host, part.at);
    if (target === undefined || !/^(?:[A-Za-z_][A-Za-z0-9_]*|[1-9][0-9]*)$/.test(target)) {
      throw new NeedsShell(`reads $\{!${name}}`);
    }
    name = target;
    index = undefined;
  }
  const values = listValue(name, index, host.state);
  if (values !== undefined)
    return part.length ? String(values.list.length) : listOperation(part, values, host);
  const value = scalar(name, index, host, part.at);
  if (part.length) {
    if (value === undefined) refuseUnset(name, host);
    requireAscii(value ?? "", "counts characters beyond ASCII");
    return String((value ?? "").length);
  }
  return scalarOperation(part, name, value, state, host);
}

function refuseUnset(name: string, host: ExpansionHost): void {
  if (host.state.refuseUnset) throw new NeedsShell(`reads unset ${name} under set -u`);
}

function scalarOperation(
  part: ParameterPart,
  name: string,
  value: string | undefined,
  state: ShellState,
  host: ExpansionHost,
): string | Word {
  const word = part.word ?? [];
  const missing = value === undefined || (part.colon && value === "");
  switch (part.operator) {
    case "-":
      return missing ? word : (value ?? "");
    case "+":
      return missing ? "" : word;
    case "?":
      if (missing) throw new NeedsShell(`demands ${name} to be set`);
      return value ?? "";
    case "=": {
      if (!missing) return value ?? "";
      if (!isName(name) || part.index !== undefined)
        throw new NeedsShell(`assigns a default to ${name}`);
      const assigned = expandText(word, host);
      state.set(name, assigned, host.origin(part.at));
      return assigned;
    }
    case "":
      break;
    default:
      if (value === undefined) refuseUnset(name, host);
      return value === undefined ? "" : transform(part, value, host);
  }
  if (value === undefined) refuseUnset(name, host);
  return value ?? "";
}

/** Pattern, case and substring operators on one value. */
function transform(part: ParameterPart, value: string, host: ExpansionHost): string {
  const word = part.word ?? [];
  switch (part.operator) {
    case "#":
    case "##":
    case "%":
    case "%%":
      return removeMatch(value, expandPattern(word, host), part.operator, host);
    case "/":
    case "//":
    case "/#":
    case "/%": {
      const replacement = expandText(part.second ?? [], host);
      // bash 5.2 gives `&` and `\` in the replacement a meaning that other shells do not know.
      if (/[&\\]/.test(replacement)) throw new NeedsShell("uses & or \\ in a replacement");
      const pattern = expandPattern(word, host);
      if (pattern === "" && (part.operator === "/" || part.operator === "//")) return value;
      return replaceMatch(value, pattern, replacement, part.operator, host);
    }
    case "^":
    case "^^":
    case ",":
    case ",,":
      if (word.length > 0) throw new NeedsShell("changes case by a pattern");
      return changeCase(value, part.operator);
    case ":": {
      const offset = arithmetic(word, host, part.at);
      const length = part.second === undefined ? undefined : arithmetic(part.second, host, part.at);
      return takeSubstring(value, offset, length);
    }
    default:
      return value;
  }
}

function listOperation(
  part: ParameterPart,
  values: Values,
  host: ExpansionHost,
): Values | Word | string {
  const { list, joined } = values;
  switch (part.operator) {
    case "":
      return values;
    case "-":
    case "+": {
      const missing = list.length === 0 || (part.colon && list.length === 1 && list[0] === "");
      if (part.colon && list.length > 1 && list.every((value) => value === "")) {
        throw new NeedsShell("tests several empty values at once");
      }
      if (part.operator === "-") return missing ? (part.word ?? []) : values;
      return missing ? "" : (part.word ?? []);
    }
    case ":": {
      const offset = Number(arithmetic(part.word ?? [], host, part.at));
      const length =
        part.second === undefined ? undefined : Number(arithmetic(part.second, host, part.at));
      if (offset < 0 || (length !== undefined && length < 0))
        throw new NeedsShell("slices from the end");
      const positional = part.index === undefined;
      const all = positional ? [host.state.name, ...list] : list;
      if (!positional && !isDense(part.name, host.state))
        throw new NeedsShell("slices an array with holes");
      return {
        list: all.slice(offset, length === undefined ? undefined : offset + length),
        joined,
      };
    }
    case "=":
    case "?":
      throw new NeedsShell("uses a rare operator on several values");
    default:
      return { list: list.map((value) => transform(part, value, host)), joined };
  }
}

function scalar(
  name: string,
  index: ParameterPart["index"],
  host: ExpansionHost,
  at: number,
): string | undefined {
  const { state } = host;
  if (index !== undefined && index !== "@" && index !== "*") {
    const position = Number(arithmetic(index, host, at));
    if (position < 0) throw new NeedsShell("counts an array from its end");
    return arrayElements(name, host.state).get(position);
  }
  const first = name.charCodeAt(0);
  if (first >= 48 && first <= 57) {
    const position = Number(name);
    return position === 0 ? state.name : state.positional[position - 1];
  }
  switch (name) {
    case "#":
      return String(state.positional.length);
    case "?":
      return String(state.status);
    case "-":
    case "$":
    case "!":
      if (state.computed === undefined) throw new NeedsShell(`reads $${name}`);
      return state.computed(name);
    default:
      return state.get(name);
  }
}
