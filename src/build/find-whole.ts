import type { OtherImage, OtherImages } from "./cache/other-images.ts";
import type { CachedRoot } from "./cached-root.ts";
import type { Stage } from "./stage.ts";
import { portableInputs, type StageRoot } from "./stage-root.ts";
import type { StagePlan } from "./step.ts";

/** The last of several stages, when another image went through exactly its steps. */
export interface WholeStage {
  readonly plan: StagePlan;
  /** Knows the keys of its steps already. */
  readonly stage: Stage;
  readonly image: OtherImage;
  /** Key of its last step. */
  readonly key: string;
}

/**
 * Looks, before anything is built, whether another image stands for the last stage: then the stages
 * before it, which are there for its sake, need not be built.
 */
export async function findWhole(
  plans: readonly StagePlan[],
  stageAt: (index: number, plan: StagePlan) => Stage,
  others: OtherImages,
): Promise<WholeStage | undefined> {
  let last: { readonly plan: StagePlan; readonly stage: Stage } | undefined;
  try {
    for (const [index, plan] of plans.entries()) {
      const stage = stageAt(index, plan);
      const base = "fromStage" in plan.base ? [] : [plan.base];
      for (const step of [...base, ...plan.steps]) {
        const own = step.portableInputs === undefined ? await step.inputs(stage) : undefined;
        stage.chain?.add(await portableInputs(step, stage, own));
      }
      last = { plan, stage };
    }
  } catch {
    // What is missing is told when it is needed.
    last?.stage.ports.signal.throwIfAborted();
    return undefined;
  }
  const key = last?.stage.chain?.keys.at(-1);
  const offer = key === undefined ? undefined : await others.find(key);
  if (last === undefined || key === undefined || offer?.isLast !== true) return undefined;
  return { ...last, image: offer.image, key };
}

/** A root whose steps were all carried out elsewhere. */
export function takenRoot(root: CachedRoot, { image, key, plan }: WholeStage): StageRoot {
  const tell = (stage: Stage, title: string): void =>
    stage.ports.tellStep({ kind: "hit", title, from: image.word });
  return {
    get id() {
      return root.id;
    },
    async begin(base, stage) {
      await root.take(image, key, stage);
      // Equal keys, equal inputs: those of all stages, as they were noted then.
      stage.steps?.push(...(image.image.record?.steps ?? []));
      tell(stage, "fromStage" in base ? `stage ${base.fromStage}` : base.title);
    },
    carryOut(step, stage) {
      if (plan.steps.includes(step)) tell(stage, step.title);
      return Promise.resolve();
    },
    open: (stage) => root.open(stage),
  };
}
