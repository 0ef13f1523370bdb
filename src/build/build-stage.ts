import { editRoot } from "./root/apply-edits.ts";
import type { Stage } from "./stage.ts";
import type { StageRoot } from "./stage-root.ts";
import type { StagePlan } from "./step.ts";

/** Builds one stage: its steps in order over its root, then the metadata, then the tests. */
export async function buildStage(plan: StagePlan, stage: Stage, root: StageRoot): Promise<void> {
  await plan.prepare?.(stage);
  await root.begin(plan.base, stage);
  for (const step of plan.steps) await root.carryOut(step, stage);
  await root.open(stage);
  editRoot(stage.root, (view) => plan.finish(view, stage));
  await plan.test?.(stage);
}
