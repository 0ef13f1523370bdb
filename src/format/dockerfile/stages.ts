import { type Dockerfile, type Instruction, instructionsOf } from "./tree.ts";
import { plainWords } from "./words.ts";

/** `FROM` and what follows until the next one. */
export interface DockerStage {
  readonly from: Instruction;
  /** As written: variables are for `globalArguments` to fill in. */
  readonly base: string;
  readonly platform: string;
  /** Lower case; empty without `AS`. */
  readonly name: string;
  readonly steps: readonly Instruction[];
}

/** The lines before the first FROM and the stages. */
export interface DockerStages {
  readonly before: readonly Instruction[];
  readonly stages: readonly DockerStage[];
}

export function stagesOf(file: Dockerfile): DockerStages {
  const before: Instruction[] = [];
  const stages: (DockerStage & { steps: Instruction[] })[] = [];
  for (const instruction of instructionsOf(file)) {
    if (instruction.keyword === "FROM") {
      const [base = "", , name = ""] = plainWords(instruction.rest);
      const platform = instruction.flags.findLast((flag) => flag.name === "platform")?.value ?? "";
      stages.push({ from: instruction, base, platform, name: name.toLowerCase(), steps: [] });
    } else {
      (stages.at(-1)?.steps ?? before).push(instruction);
    }
  }
  return { before, stages };
}

/**
 * The stage that a word of `FROM` or `--from` names among the first `count`: by name, which hides an
 * image of that name, or for `--from` by number.
 */
export function findStage(
  stages: readonly DockerStage[],
  count: number,
  word: string,
  byNumber: boolean,
): number | undefined {
  const earlier = stages.slice(0, count);
  const named = earlier.findLastIndex(({ name }) => name !== "" && name === word.toLowerCase());
  if (named >= 0) return named;
  if (byNumber && /^[0-9]+$/.test(word) && Number(word) < count) return Number(word);
  return undefined;
}

/**
 * Numbers of the stages that the stage `last` needs, itself included, in order: those that its FROM,
 * COPY --from and RUN --mount name. Words with variables in `--from` count for every stage before.
 */
export function neededStages(stages: readonly DockerStage[], last: number): readonly number[] {
  const needed = new Set<number>();
  const visit = (index: number): void => {
    const stage = stages[index];
    if (stage === undefined || needed.has(index)) return;
    needed.add(index);
    const add = (word: string, byNumber: boolean): void => {
      if (word.includes("$")) for (let i = 0; i < index; i++) visit(i);
      const found = findStage(stages, index, word, byNumber);
      if (found !== undefined) visit(found);
    };
    add(stage.base, false);
    for (const step of stage.steps) {
      for (const { name, value = "" } of step.flags) {
        if (name === "from") add(value, true);
        const from = name === "mount" ? /(?:^|,)from=([^,]*)/.exec(value)?.[1] : undefined;
        if (from !== undefined) add(from, true);
      }
    }
    // What an earlier stage leaves for those built on it may name any stage.
    if (
      stages.some(({ steps }) =>
        steps.some(({ keyword, rest }) => keyword === "ONBUILD" && rest.includes("--from")),
      )
    )
      for (let i = 0; i < index; i++) visit(i);
  };
  visit(last);
  return [...needed].sort((a, b) => a - b);
}
