import { statSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { dirName, resolvePath } from "../base/path.ts";
import { isDockerfile } from "../build/dockerfile/read-dockerfile.ts";
import { readText } from "../build/read-definition.ts";
import type { Invocation } from "../cli/invocation.ts";
import { type Diagnostic, formatDiagnostic } from "../format/deffile/diagnostic.ts";
import { formatDefinition } from "../format/deffile/format.ts";
import { definitionJson } from "../format/deffile/json.ts";
import { parseDefinition } from "../format/deffile/parse.ts";
import type { Definition } from "../format/deffile/tree.ts";
import { checkDockerfile } from "../format/dockerfile/check.ts";
import { fromDefinition } from "../format/dockerfile/from-definition.ts";
import { dockerfileJson } from "../format/dockerfile/json.ts";
import { parseDockerfile } from "../format/dockerfile/parse.ts";
import { type Conversion, toDefinition } from "../format/dockerfile/to-definition.ts";
import type { Dockerfile } from "../format/dockerfile/tree.ts";
import type { Context } from "../terminal/context.ts";

/** `def`: prints a definition file or a Dockerfile in one layout, as data, or one as the other. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const [file = ""] = inv.args;
  const action = inv.path[1] ?? "";
  const text = readText(file);
  if (action === "from-dockerfile") return fromDockerfile(file, text, ctx);
  if (action === "json" && isDockerfile(file, text)) {
    ctx.print(asJson(dockerfileJson(parsedDockerfile(file, text))));
    return 0;
  }
  const definition = parsedDefinition(file, text);
  switch (action) {
    case "format":
      ctx.print(formatDefinition(definition));
      return 0;
    case "json":
      ctx.print(asJson(definitionJson(definition)));
      return 0;
    case "to-dockerfile":
      return tell(fromDefinition(definition), file, ctx);
    default:
      throw new Fault("usage", `"def ${action}" is no command`, { hint: "see `help def`" });
  }
}

function fromDockerfile(file: string, text: string, ctx: Context): number {
  const folder = dirName(resolvePath(process.cwd(), file));
  const isDirectory = (path: string): boolean =>
    statSync(resolvePath(folder, path), { throwIfNoEntry: false })?.isDirectory() === true;
  return tell(toDefinition(parsedDockerfile(file, text), isDirectory), file, ctx);
}

/** Prints a conversion; what has no equivalent goes to the log, in the order of the lines. */
function tell({ text, notes }: Conversion, file: string, ctx: Context): number {
  for (const note of [...notes].sort((a, b) => a.line - b.line)) {
    ctx.log.warning(`${file}:${note.line}: ${note.text}`);
  }
  ctx.print(text);
  return 0;
}

function parsedDefinition(file: string, text: string): Definition {
  const { definition, diagnostics } = parseDefinition(text);
  refuse(`Cannot read the definition file "${file}"`, file, diagnostics);
  return definition;
}

function parsedDockerfile(word: string, text: string): Dockerfile {
  const { file, diagnostics } = parseDockerfile(text);
  const errors = [...diagnostics, ...checkDockerfile(file)].filter(
    (one) => one.severity === "error",
  );
  refuse(`Cannot read the Dockerfile "${word}"`, word, errors);
  return file;
}

function refuse(what: string, file: string, diagnostics: readonly Diagnostic[]): void {
  if (diagnostics.length === 0) return;
  const list = diagnostics.map((finding) => formatDiagnostic(file, finding)).join("\n");
  throw new Fault("invalid", `${what}:\n${list}`);
}

function asJson(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
