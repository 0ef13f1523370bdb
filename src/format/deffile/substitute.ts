import { parseArgumentLines } from "./build-arguments.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { type Parsed, parseDefinition } from "./parse.ts";
import { renderStage } from "./render.ts";
import { type Definition, type Stage, stageLines } from "./tree.ts";

/** A definition with its templates filled in. */
export interface Substituted extends Parsed {
  /** Names of the given arguments that some template used. */
  readonly used: ReadonlySet<string>;
}

// The classes are spelled out: \w and \s are wider or narrower in other languages.
const TEMPLATE = /\{\{[\t\n\f\r ]*([0-9A-Za-z_]+)[\t\n\f\r ]*\}\}/g;

/**
 * Fills in `{{ name }}` in every stage, header included, from `given` or the stage's `%arguments`
 * defaults, and parses the result. A value may itself hold a template (one level). Templates behind
 * a comment sign stay. A name that nothing defines is an error. The preamble is dropped, as in the
 * text that an image keeps of its definition.
 */
export function substituteArguments(
  definition: Definition,
  given: ReadonlyMap<string, string>,
): Substituted {
  const used = new Set<string>();
  const missing: Diagnostic[] = [];
  const text = definition.stages.map((stage) => fillStage(stage, given, used, missing)).join("");
  const parsed = parseDefinition(text, definition.preamble.length + 1);
  return { definition: parsed.definition, diagnostics: [...missing, ...parsed.diagnostics], used };
}

/** Default values from the `%arguments` sections of a stage. */
export function stageDefaults(stage: Stage): ReadonlyMap<string, string> {
  const sections = stage.sections.filter((section) => section.name === "arguments");
  const lines = sections.flatMap((section) => section.body.map((line) => line.text));
  return parseArgumentLines(lines, true).values;
}

function fillStage(
  stage: Stage,
  given: ReadonlyMap<string, string>,
  used: Set<string>,
  missing: Diagnostic[],
): string {
  const text = renderStage(stage);
  const defaults = stageDefaults(stage);
  const find = (name: string): string | undefined => given.get(name) ?? defaults.get(name);
  let out = "";
  let done = 0;
  for (const match of text.matchAll(TEMPLATE)) {
    const name = match[1] ?? "";
    const lineStart = Math.max(text.lastIndexOf("\n", match.index) + 1, done);
    if (/#[^!]/.test(text.slice(lineStart, match.index))) continue;
    out += text.slice(done, match.index);
    done = match.index + match[0].length;
    const value = find(name);
    if (value === undefined) {
      missing.push(undefinedArgument(stage, text, match.index, name));
      continue;
    }
    used.add(name);
    out += value.replaceAll(TEMPLATE, (whole, inner: string) => {
      const nested = find(inner);
      if (nested !== undefined) used.add(inner);
      return nested ?? whole;
    });
  }
  return out + text.slice(done);
}

function undefinedArgument(stage: Stage, text: string, at: number, name: string): Diagnostic {
  const before = text.slice(0, at);
  const line = stageLines(stage)[before.split("\n").length - 1];
  return {
    severity: "error",
    line: line?.number ?? 1,
    column: at - before.lastIndexOf("\n"),
    source: line?.text ?? "",
    message: `build var ${name} is not defined through either --build-arg (--build-arg-file) or 'arguments' section`,
    expected: `\`--build-arg ${name}=VALUE\`, or a line \`${name}=VALUE\` in %arguments`,
  };
}
