import { Fault } from "../base/fault.ts";
import type { Stage } from "./stage.ts";
import type { StagePlan, Step } from "./step.ts";
import { copyDirectory } from "./unpack/unpack-image.ts";

/** How the root of a stage comes about: in one directory, or in layers that are kept. */
export interface StageRoot {
  /** Makes the first content. */
  begin(base: StagePlan["base"], stage: Stage): Promise<void>;
  carryOut(step: Step, stage: Stage): Promise<void>;
  /** The steps are done: from here on `stage.root` shows the root and takes changes that are not kept. */
  open(stage: Stage): Promise<void>;
}

/** A root in one directory: every step runs. */
export function plainRoot(): StageRoot {
  return {
    async begin(base, stage) {
      if (!("fromStage" in base)) return await base.run(stage);
      await copyDirectory(await requireStage(stage, base.fromStage), stage.root, stage.ports);
    },
    carryOut: (step, stage) => step.run(stage),
    open: () => Promise.resolve(),
  };
}

/** Root of an earlier stage. */
export async function requireStage(stage: Stage, name: string): Promise<string> {
  const root = await stage.rootOf(name);
  if (root !== undefined) return root;
  throw new Fault("invalid", `stage ${name} was not found`);
}
