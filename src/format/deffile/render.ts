import { type Definition, type SourceLine, type Stage, stageLines } from "./tree.ts";

/** The file again, byte for byte. */
export function renderDefinition(definition: Definition): string {
  return renderLines([...definition.preamble, ...definition.stages.flatMap(stageLines)]);
}

/** Text of one stage, line ends as written. */
export function renderStage(stage: Stage): string {
  return renderLines(stageLines(stage));
}

function renderLines(lines: readonly SourceLine[]): string {
  return lines.map((line) => line.text + line.end).join("");
}
