import { Fault } from "../base/fault.ts";
import { dirName } from "../base/path.ts";
import {
  EARLIEST_SECONDS,
  fileClockMs,
  settleTimes,
  sumTree,
} from "./reproducible/settle-times.ts";
import type { Stage } from "./stage.ts";
import type { StagePlan, Step, StepInputs } from "./step.ts";
import { copyDirectory } from "./unpack/unpack-image.ts";

/** How the root of a stage comes about: in one directory, or in layers that are kept. */
export interface StageRoot {
  /** Makes the first content. */
  begin(base: StagePlan["base"], stage: Stage): Promise<void>;
  carryOut(step: Step, stage: Stage): Promise<void>;
  /** The steps are done: from here on `stage.root` shows the root and takes changes that are not kept. */
  open(stage: Stage): Promise<void>;
  /** Stands for the content, as far as it is known what that depends on. */
  readonly id: string | undefined;
}

/** A root in one directory: every step runs. */
export function plainRoot(): StageRoot {
  const run = async (step: Step, stage: Stage): Promise<void> => {
    const began = performance.now();
    if (stage.steps !== undefined) await noteStep(stage, step, await step.inputs(stage));
    stage.ports.tellStep({ kind: "run", title: step.title, why: "no cache" });
    await step.run(stage);
    const elapsedMs = performance.now() - began;
    stage.ports.tellStep({ kind: "done", title: step.title, elapsedMs });
  };
  const settle = (stage: Stage): Promise<void> =>
    settleTimes(stage.root, stage.clock.seconds ?? EARLIEST_SECONDS, stage.ports.signal);
  return {
    id: undefined,
    async begin(base, stage) {
      const began = fileClockMs(dirName(stage.root));
      if ("fromStage" in base) {
        await copyDirectory(await requireStage(stage, base.fromStage), stage.root, stage.ports);
      } else await run(base, stage);
      if (stage.clock.seconds !== undefined) return;
      const { newestSeconds } = await sumTree(stage.root, began, stage.ports.signal);
      stage.clock.seconds = newestSeconds;
    },
    async carryOut(step, stage) {
      // A step sees the times that it would see over kept layers: it may write them down.
      await settle(stage);
      await run(step, stage);
    },
    open: settle,
  };
}

/** Adds a step to the record of the build; gives its key in the chain of the stage. */
export async function noteStep(
  stage: Stage,
  step: Step,
  inputs: StepInputs | undefined,
): Promise<string | undefined> {
  const recorded = inputs === undefined ? null : Object.fromEntries(inputs);
  stage.steps?.push({ title: step.title, inputs: recorded });
  return stage.chain?.add(await portableInputs(step, stage, inputs));
}

/** What the key of a step in the chain of its stage is made of. */
export async function portableInputs(
  step: Step,
  stage: Stage,
  inputs: StepInputs | undefined,
): Promise<StepInputs | undefined> {
  return step.portableInputs === undefined ? inputs : await step.portableInputs(stage);
}

/** Stands for an earlier stage in portable inputs; undefined when it is not known what that depends on. */
export function stageInput(stage: Stage, name: string): readonly [string, string] | undefined {
  const key = stage.keyOf?.(name);
  return key === undefined ? undefined : [`stage ${name}`, key];
}

/** Root of an earlier stage. */
export async function requireStage(stage: Stage, name: string): Promise<string> {
  const root = await stage.rootOf(name);
  if (root !== undefined) return root;
  throw new Fault("invalid", `stage ${name} was not found`);
}
