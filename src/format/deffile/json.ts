import { type FileBlock, fileBlocks } from "./file-list.ts";
import { parseLabels } from "./labels.ts";
import { bodyText, type Definition, sectionArguments } from "./tree.ts";

/** A section as `def json` shows it. */
export interface SectionJson {
  readonly name: string;
  readonly app?: string;
  readonly arguments?: string;
  readonly line: number;
  readonly body: string;
}

/** A stage as `def json` shows it: the header as written (last value of a key), sections in order. */
export interface StageJson {
  readonly header: Readonly<Record<string, string>>;
  readonly sections: readonly SectionJson[];
  readonly files: readonly FileBlock[];
  readonly labels: Readonly<Record<string, string>>;
}

/** Plain data of a definition, for programs. Templates are as they are in the tree. */
export function definitionJson(definition: Definition): { readonly stages: readonly StageJson[] } {
  const stages = definition.stages.map((stage): StageJson => {
    const labels = stage.sections.filter((section) => section.name === "labels").map(bodyText);
    return {
      header: Object.fromEntries(stage.entries.map((entry) => [entry.key, entry.value])),
      sections: stage.sections.map((section) => {
        const given = sectionArguments(section);
        return {
          name: section.name,
          ...(section.app === undefined ? {} : { app: section.app }),
          ...(given === "" ? {} : { arguments: given }),
          line: section.heading.number,
          body: bodyText(section),
        };
      }),
      files: fileBlocks(stage.sections),
      labels: Object.fromEntries(parseLabels(labels.join(""))),
    };
  });
  return { stages };
}
