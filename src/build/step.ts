import type { StageRecipe } from "../format/deffile/recipe.ts";
import type { EditedView } from "./root/edited-view.ts";
import type { Stage } from "./stage.ts";

/**
 * What the result of a step depends on besides the root it begins with: names for people (`text`,
 * `file data/one`), values short texts or digests. Equal inputs over an equal root: an equal result.
 */
export type StepInputs = ReadonlyMap<string, string>;

/** A part of a stage that changes its root, and the unit of the build's cache. */
export interface Step {
  /** What people know it by: `base docker:debian:12`, `%post`, `RUN make`. One line. */
  readonly title: string;
  /** Where it begins in the file it comes from, from 1. */
  readonly line: number;
  /**
   * Looks at everything that the result depends on, without changing anything. Undefined: that
   * cannot be known, so the step always runs and is never kept.
   *
   * @throws Fault when something is missing that the step needs.
   */
  inputs(stage: Stage): StepInputs | undefined | Promise<StepInputs | undefined>;
  /**
   * The same for keys that mean the same elsewhere (cache/key-chain.ts), where they differ: what comes
   * from an earlier stage is named by the key of that, so that the stage need not be built.
   */
  portableInputs?(stage: Stage): StepInputs | undefined | Promise<StepInputs | undefined>;
  /**
   * True for what runs with the rights to look anywhere on the host (`%setup`): it always runs, and
   * what follows depends on what it left in the root instead of on its inputs.
   */
  readonly runsAlways?: boolean;
  /** Changes `stage.root`. */
  run(stage: Stage): Promise<void>;
}

/** A stage as the engine takes it (build-stage.ts), whatever language it was written in. */
export interface StagePlan {
  /** Header and names, for agents and messages. */
  readonly recipe: StageRecipe;
  /** Names by which later stages know this one. */
  readonly names: readonly string[];
  /** Fills the empty root; or an earlier stage whose root this one goes on with. */
  readonly base: Step | { readonly fromStage: string };
  readonly steps: readonly Step[];
  /** Carried out on the host before anything else; never kept. */
  prepare?(stage: Stage): Promise<void>;
  /** Plans the edits that make the root an image: labels, environment, scripts. */
  finish(view: EditedView, stage: Stage): void;
  /** Runs the tests of the finished root, as the options have it. */
  test?(stage: Stage): Promise<void>;
}
