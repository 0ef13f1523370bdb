import { type FileBlock, fileBlocks } from "./file-list.ts";
import { parseLabels } from "./labels.ts";
import { renderStage } from "./render.ts";
import type { Script } from "./script.ts";
import { bodyText, type Definition, type Section, type Stage, sectionArguments } from "./tree.ts";

/** An app of a stage; a section that is not there is undefined. */
export interface AppRecipe {
  readonly name: string;
  readonly install: Script | undefined;
  readonly files: Script | undefined;
  readonly env: Script | undefined;
  readonly run: Script | undefined;
  readonly start: Script | undefined;
  readonly test: Script | undefined;
  readonly help: Script | undefined;
  readonly labels: Script | undefined;
}

/** What a stage asks for: repeated sections joined, lists parsed. */
export interface StageRecipe {
  /** Value of `Stage:`, empty when absent. */
  readonly name: string;
  /** Header values by lower-case key. */
  readonly header: Readonly<Record<string, string>>;
  readonly pre: Script | undefined;
  readonly setup: Script | undefined;
  readonly files: readonly FileBlock[];
  readonly post: Script | undefined;
  readonly environment: Script | undefined;
  readonly runscript: Script | undefined;
  readonly startscript: Script | undefined;
  readonly test: Script | undefined;
  readonly help: Script | undefined;
  readonly labels: ReadonlyMap<string, string>;
  /** In order of first appearance. */
  readonly apps: readonly AppRecipe[];
  /** Line of the header, for messages. */
  readonly line: number;
}

/** A whole build: its stages and the text that the image keeps. */
export interface Recipe {
  readonly stages: readonly StageRecipe[];
  readonly text: string;
}

/** The recipe of a definition whose templates are filled in and that has no errors. */
export function recipeOf(definition: Definition): Recipe {
  return {
    stages: definition.stages.map(stageRecipe),
    text: definition.stages.map(renderStage).join(""),
  };
}

/** The recipe of a stage that consists of a header. */
export function headerRecipe(header: Readonly<Record<string, string>>): StageRecipe {
  return {
    name: "",
    header,
    pre: undefined,
    setup: undefined,
    files: [],
    post: undefined,
    environment: undefined,
    runscript: undefined,
    startscript: undefined,
    test: undefined,
    help: undefined,
    labels: new Map(),
    apps: [],
    line: 1,
  };
}

/** The recipe that building from an image or directory amounts to. */
export function recipeFromImage(agent: string, from: string): Recipe {
  const stage = headerRecipe({ bootstrap: agent, from });
  return { stages: [stage], text: `bootstrap: ${agent}\nfrom: ${from}\n\n` };
}

function stageRecipe(stage: Stage): StageRecipe {
  const script = (name: string): Script | undefined =>
    joinSections(stage.sections.filter((section) => section.name === name));
  const header = Object.fromEntries(stage.entries.map((entry) => [entry.key, entry.value]));
  return {
    name: header["stage"] ?? "",
    header,
    pre: script("pre"),
    setup: script("setup"),
    files: fileBlocks(stage.sections),
    post: script("post"),
    environment: script("environment"),
    runscript: script("runscript"),
    startscript: script("startscript"),
    test: script("test"),
    help: script("help"),
    labels: parseLabels(script("labels")?.text ?? ""),
    apps: appNames(stage).map((name) => appRecipe(stage, name)),
    line: stage.headerLines[0]?.number ?? 1,
  };
}

function appNames(stage: Stage): readonly string[] {
  const names = stage.sections.flatMap((section) => (section.app === undefined ? [] : section.app));
  return [...new Set(names)];
}

function appRecipe(stage: Stage, name: string): AppRecipe {
  const own = stage.sections.filter((section) => section.app === name);
  const script = (kind: string): Script | undefined =>
    joinSections(own.filter((section) => section.name === kind));
  return {
    name,
    install: script("appinstall"),
    files: script("appfiles"),
    env: script("appenv"),
    run: script("apprun"),
    start: script("appstart"),
    test: script("apptest"),
    help: script("apphelp"),
    labels: script("applabels"),
  };
}

/** Bodies concatenated; the arguments of the last section that has some. */
function joinSections(sections: readonly Section[]): Script | undefined {
  const text = sections.map(bodyText).join("");
  const first = sections[0];
  if (first === undefined || text === "") return undefined;
  const withArguments = sections.findLast((section) => section.rawArguments !== "");
  return {
    arguments: withArguments === undefined ? "" : sectionArguments(withArguments),
    text,
    line: first.heading.number,
  };
}
