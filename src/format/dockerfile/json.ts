import { stagesOf } from "./stages.ts";
import { type Dockerfile, type Instruction, lineOf } from "./tree.ts";

/** Plain data of a Dockerfile, for programs. Variables are as written. */
export function dockerfileJson(file: Dockerfile): object {
  const { before, stages } = stagesOf(file);
  return {
    ...(file.syntax === undefined ? {} : { syntax: file.syntax }),
    arguments: before.map(instructionJson),
    stages: stages.map(({ base, platform, name, steps, from }) => ({
      from: base,
      ...(platform === "" ? {} : { platform }),
      ...(name === "" ? {} : { name }),
      line: lineOf(from),
      instructions: steps.map(instructionJson),
    })),
  };
}

function instructionJson(instruction: Instruction): object {
  const { keyword, flags, rest, list, documents } = instruction;
  return {
    instruction: keyword,
    ...(flags.length === 0 ? {} : { flags: flags.map(({ name, value = "" }) => [name, value]) }),
    ...(list === undefined ? { text: rest } : { list }),
    ...(documents.length === 0
      ? {}
      : { documents: documents.map(({ name, content }) => ({ name, content })) }),
    line: lineOf(instruction),
  };
}
