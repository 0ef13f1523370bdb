import { readFileSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { decodeOsText } from "../base/os-text.ts";
import { checkDefinition } from "../format/deffile/check.ts";
import { type Diagnostic, formatDiagnostic } from "../format/deffile/diagnostic.ts";
import { parseDefinition } from "../format/deffile/parse.ts";
import { type Recipe, recipeOf } from "../format/deffile/recipe.ts";
import { substituteArguments } from "../format/deffile/substitute.ts";
import type { Definition } from "../format/deffile/tree.ts";

/** A definition file with its templates filled in, and what was found in it. */
export interface ReadDefinition {
  readonly definition: Definition;
  readonly diagnostics: readonly Diagnostic[];
  /** Names of given arguments that no template used. */
  readonly unused: readonly string[];
}

/** Checks the text of a definition file: every error and warning of it, in the order of the lines. */
export function readDefinitionText(
  text: string,
  given: ReadonlyMap<string, string>,
): ReadDefinition {
  const parsed = parseDefinition(text);
  const filled = substituteArguments(parsed.definition, given);
  const checked = checkDefinition(filled.definition);
  const diagnostics = new Map<string, Diagnostic>();
  for (const finding of [...parsed.diagnostics, ...filled.diagnostics, ...checked]) {
    diagnostics.set(`${finding.line} ${finding.message}`, finding);
  }
  return {
    definition: filled.definition,
    diagnostics: [...diagnostics.values()].sort((a, b) => a.line - b.line || a.column - b.column),
    unused: [...given.keys()].filter((name) => !filled.used.has(name)),
  };
}

/**
 * The recipe of a checked definition.
 *
 * @throws Fault `invalid` with all errors, each with its line.
 */
export function requireRecipe(word: string, read: ReadDefinition): Recipe {
  const errors = read.diagnostics.filter((finding) => finding.severity === "error");
  // Templates are filled in first: what is wrong besides may come from the gap.
  const first = errors.find(({ message }) => message.startsWith("build var ")) ?? errors[0];
  if (first !== undefined) {
    const list = errors.map((finding) => formatDiagnostic(word, finding)).join("\n");
    throw new Fault("invalid", `${peerWords(word, first.message)}\n${list}`);
  }
  return recipeOf(read.definition);
}

/** The line that the peer ends with: it meets some errors later than others. */
function peerWords(word: string, message: string): string {
  if (message.startsWith("build var ")) return `Unable to build from ${word}: ${message}`;
  if (message.startsWith("multiple stages ")) return `Unable to create build: ${message}`;
  if (/^stage .* was not found$/.test(message)) {
    return `While performing build: unable to copy files from stage to container fs: ${message}`;
  }
  const isHeader = /^(?:invalid header keyword|header key) /.test(message);
  const where = isHeader ? "failed to parse deffile header: " : "";
  return `Unable to build from ${word}: while parsing definition: ${word}: ${where}${message}`;
}

/** Text of a definition file, whatever its bytes. */
export function readText(path: string): string {
  try {
    return decodeOsText(new Uint8Array(readFileSync(path)));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("io", `Unable to build from ${path}: unable to open file ${path}: ${reason}`, {
      cause,
    });
  }
}
