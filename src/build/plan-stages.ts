import { mkdirSync } from "node:fs";
import type { Recipe, StageRecipe } from "../format/deffile/recipe.ts";
import { planMetadata } from "./metadata/plan-metadata.ts";
import { runHostScript } from "./sections/host-script.ts";
import { runTest } from "./sections/test.ts";
import { hasSection, type StageOptions } from "./stage.ts";
import type { StagePlan, Step } from "./step.ts";
import { baseStep, updateStep } from "./steps/base-step.ts";
import { postSteps } from "./steps/post-steps.ts";
import { appsStep, filesStep, setupStep } from "./steps/section-steps.ts";

/**
 * The stages of a definition as steps, in the peer's order (reference: deffile.md section 5):
 *
 *   %pre ─► base ─► apps ─► %files from ─► %setup ─► %files ─► %post … ─► metadata ─► %test
 *
 * @param updated a sandbox that stands for the base of the last stage.
 */
export function planStages(
  recipe: Recipe,
  options: StageOptions,
  updated: string | undefined,
): readonly StagePlan[] {
  return recipe.stages.map((stage, index) => {
    const isLast = index === recipe.stages.length - 1;
    return planStage(stage, recipe.text, options, isLast ? updated : undefined);
  });
}

function planStage(
  recipe: StageRecipe,
  text: string,
  options: StageOptions,
  updated: string | undefined,
): StagePlan {
  const has = (name: string): boolean => hasSection(options, name);
  const blocks = has("files") ? recipe.files : [];
  const copies = (fromHost: boolean): readonly Step[] =>
    blocks
      .filter((block) => (block.from === undefined) === fromHost && block.transfers.length > 0)
      .map((block) => filesStep(block, block.transfers[0]?.line ?? recipe.line));
  const setup = has("setup") ? recipe.setup : undefined;
  return {
    recipe,
    names: [recipe.name],
    base: updated === undefined ? baseStep(recipe) : updateStep(recipe, updated),
    steps: [
      ...(recipe.apps.length === 0 ? [] : [appsStep(recipe)]),
      ...copies(false),
      ...(setup === undefined ? [] : [setupStep(setup)]),
      ...copies(true),
      ...postSteps(recipe),
    ],
    async prepare(stage) {
      if (recipe.pre === undefined) return;
      // Scripts find the root there, still empty.
      mkdirSync(stage.root, { recursive: true, mode: 0o755 });
      await runHostScript(stage, "pre", recipe.pre);
    },
    finish: (view, { ports, clock }) =>
      planMetadata(
        view,
        {
          recipe,
          text,
          time: new Date((clock.seconds ?? 0) * 1000),
          arch: options.arch,
          version: options.version,
          peerVersion: options.peerVersion,
          force: options.force,
          withHeader: updated === undefined,
          hasSection: has,
        },
        ports.talk,
      ),
    ...(options.runTests && recipe.test !== undefined ? { test: runTest } : {}),
  };
}
