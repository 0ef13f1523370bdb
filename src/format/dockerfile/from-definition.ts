import type { StageRecipe } from "../deffile/recipe.ts";
import { type Recipe, recipeOf } from "../deffile/recipe.ts";
import { storedScript } from "../deffile/script.ts";
import { stageDefaults } from "../deffile/substitute.ts";
import type { Definition } from "../deffile/tree.ts";
import type { Conversion } from "./to-definition.ts";

/**
 * A Dockerfile that does what a definition file does, as far as there are words for it. Templates become
 * arguments.
 */
export function fromDefinition(definition: Definition): Conversion {
  const notes: { line: number; text: string }[] = [];
  const recipe: Recipe = recipeOf(definition);
  const out = ["# syntax=docker/dockerfile:1"];
  const inHeader = definition.stages.flatMap((stage) => {
    const defaults = stageDefaults(stage);
    return stage.entries
      .flatMap(({ value }) => [...value.matchAll(TEMPLATE)].map(([, name = ""]) => name))
      .map(
        (name) => `ARG ${name}${defaults.has(name) ? `=${quoted(defaults.get(name) ?? "")}` : ""}`,
      );
  });
  out.push(...new Set(inHeader));
  for (const [index, stage] of recipe.stages.entries()) {
    const parsed = definition.stages[index];
    const defaults = parsed === undefined ? new Map<string, string>() : stageDefaults(parsed);
    out.push("", ...stageLines(stage, defaults, (text) => notes.push({ line: stage.line, text })));
  }
  return { text: `${out.join("\n")}\n`, notes };
}

const TEMPLATE = /\{\{\s*([0-9A-Za-z_]+)\s*\}\}/g;

function stageLines(
  stage: StageRecipe,
  defaults: ReadonlyMap<string, string>,
  note: (text: string) => void,
): readonly string[] {
  const out = [fromLine(stage, note)];
  const fill = (text: string): string => text.replace(TEMPLATE, (_, name) => `\${${name}}`);
  for (const [name, value] of defaults) out.push(`ARG ${name}=${quoted(value)}`);
  for (const { from, transfers } of stage.files) {
    for (const { source, target } of transfers) {
      const flag = from === undefined ? "" : `--from=${from.toLowerCase()} `;
      if (from === undefined && source.startsWith("/")) {
        note(`%files ${source}: COPY takes files below the context only`);
      }
      const words = [fill(source), fill(target === "" ? source : target)];
      const isPlain = words.every((word) => !/\s/.test(word));
      out.push(`COPY ${flag}${isPlain ? words.join(" ") : JSON.stringify(words)}`);
    }
  }
  if (stage.pre !== undefined) note("%pre runs on the host and has no equivalent");
  if (stage.setup !== undefined) note("%setup runs on the host and has no equivalent");
  if (stage.post !== undefined) {
    const words = stage.post.arguments.split(/\s+/).filter((word) => word !== "");
    const at = words.indexOf("-c");
    const shell = at < 0 ? "/bin/sh -ex" : words.slice(at + 1).join(" ");
    if (/\$(?:APPTAINER|SINGULARITY)_(?:ENVIRONMENT|LABELS)/.test(stage.post.text)) {
      note(
        "%post writes to the file of variables or labels, which no Dockerfile has: use ENV and LABEL",
      );
    }
    const text = fill(stage.post.text);
    out.push(...document(`RUN `, `#!${shell}\n${text}`, text !== stage.post.text, note));
  }
  out.push(...environmentLines(stage, note));
  for (const [name, value] of stage.labels)
    out.push(`LABEL ${quoted(fill(name))}=${quoted(fill(value))}`);
  if (stage.help !== undefined)
    out.push(`LABEL org.label-schema.usage=${quoted(stage.help.text.trim())}`);
  if (stage.runscript !== undefined) {
    out.push(
      ...document("COPY --chmod=755 ", storedScript(stage.runscript), false, note, " /.runscript"),
    );
    out.push('ENTRYPOINT ["/.runscript"]');
  }
  if (stage.startscript !== undefined) note("%startscript has no equivalent");
  if (stage.test !== undefined)
    out.push(...document("RUN ", storedScript(stage.test), false, note));
  for (const { name } of stage.apps) note(`the app ${name} has no equivalent`);
  return out;
}

function fromLine({ header, name }: StageRecipe, note: (text: string) => void): string {
  const agent = header["bootstrap"] ?? "";
  const as = name === "" ? "" : ` AS ${name.toLowerCase()}`;
  if (agent === "scratch") return `FROM scratch${as}`;
  if (agent === "docker") {
    const parts = [
      header["registry"] ?? "",
      header["namespace"] ?? "",
      (header["from"] ?? "").replace(/^(?:docker:)?\/\//, ""),
    ];
    const image = parts.map((part) => part.replace(/^\/+|\/+$/g, "")).filter((part) => part !== "");
    return `FROM ${image.join("/").replace(TEMPLATE, (_, word) => `\${${word}}`)}${as}`;
  }
  note(`Bootstrap: ${agent} has no equivalent: put the image to begin with in place of scratch`);
  return `FROM scratch${as}`;
}

/** Plain assignments of %environment; what needs a shell has no equivalent. */
function environmentLines(stage: StageRecipe, note: (text: string) => void): readonly string[] {
  return (stage.environment?.text ?? "").split("\n").flatMap((line) => {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) return [];
    const match = /^(?:export\s+)?([A-Za-z_]\w*)=("[^"`]*"|'[^']*'|[^\s"'`;&|()]*)$/.exec(text);
    if (match !== null && !/\$\(/.test(text)) return [`ENV ${match[1]}=${match[2]}`];
    note(`%environment: "${text}" is no plain assignment`);
    return [];
  });
}

/** An instruction with a here-document whose name does not occur in it. */
function document(
  head: string,
  content: string,
  expands: boolean,
  note: (text: string) => void,
  tail: string = "",
): readonly string[] {
  let name = "EOF";
  while (content.split("\n").includes(name)) name += "_";
  const lines = content.replace(/\n+$/, "").split("\n");
  if (expands) note("templates in %post are arguments now: they are variables of its shell");
  return [`${head}<<'${name}'${tail}`, ...lines, name];
}

function quoted(text: string): string {
  return `"${text.replace(/[\\"$]/g, "\\$&").replace(/\n/g, " ")}"`;
}
