import { Fault } from "../../base/fault.ts";
import { type Diagnostic, formatDiagnostic } from "../../format/deffile/diagnostic.ts";
import { checkDockerfile } from "../../format/dockerfile/check.ts";
import { parseDockerfile } from "../../format/dockerfile/parse.ts";
import type { Dockerfile } from "../../format/dockerfile/tree.ts";
import { readText } from "../read-definition.ts";

/** A Dockerfile and what was found in it. */
export interface ReadDockerfile {
  readonly file: Dockerfile;
  readonly text: string;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads and checks a Dockerfile: every error and warning of it, in the order of the lines. */
export function readDockerfile(path: string): ReadDockerfile {
  return readDockerfileText(readText(path));
}

/** The same for the text of one. */
export function readDockerfileText(text: string): ReadDockerfile {
  const { file, diagnostics } = parseDockerfile(text);
  const all = [...diagnostics, ...checkDockerfile(file)];
  return { file, text, diagnostics: all.sort((a, b) => a.line - b.line || a.column - b.column) };
}

/** Throws a Fault `invalid` with all errors, each with its line. */
export function requireDockerfile(word: string, read: ReadDockerfile): void {
  const errors = read.diagnostics.filter((finding) => finding.severity === "error");
  const [first] = errors;
  if (first === undefined) return;
  const list = errors.map((finding) => formatDiagnostic(word, finding)).join("\n");
  throw new Fault(
    "invalid",
    `Unable to build from ${word}: while parsing Dockerfile: ${word}: ${first.message}\n${list}`,
  );
}

/**
 * Whether a text file is a Dockerfile and no definition: its first instruction decides, its name
 * where that says nothing.
 */
export function isDockerfile(path: string, head: string): boolean {
  const lines = head.replace(/^\ufeff/, "").split("\n");
  if (/^#\s*(?:syntax|escape|check)\s*=/i.test(lines[0] ?? "")) return true;
  const first = lines.find((line) => !/^\s*(?:#|$)/.test(line)) ?? "";
  if (/^\s*(?:bootstrap\s*:|%)/i.test(first)) return false;
  if (/^\s*(?:from|arg)\s+[^\s:]/i.test(first)) return true;
  const name = path.slice(path.lastIndexOf("/") + 1);
  return /^(?:Dockerfile|Containerfile)(?:\.|$)|\.(?:Dockerfile|Containerfile)$/i.test(name);
}
