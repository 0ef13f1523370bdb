import { hostFiles } from "../host/host-files.ts";
import { digestOf } from "./cache/digest.ts";
import { settleLogs } from "./reproducible/settle-logs.ts";
import { applyEdits } from "./root/apply-edits.ts";
import type { RootEdit } from "./root/edit.ts";
import { editedView } from "./root/edited-view.ts";
import { type Before, noteBefore } from "./root/undo-edits.ts";
import type { Stage } from "./stage.ts";
import type { StageRoot } from "./stage-root.ts";
import type { StagePlan } from "./step.ts";

/** What is known of a stage when it is done. */
export interface FinishedStage {
  readonly key: string | undefined;
  readonly before: readonly Before[];
}

/**
 * Builds one stage: its steps in order over its root, then the metadata, then the tests.
 *
 * @returns `key` stands for the finished root, as far as it is known what that depends on; `before` is
 *   what the metadata replaced.
 */
export async function buildStage(
  plan: StagePlan,
  stage: Stage,
  root: StageRoot,
): Promise<FinishedStage> {
  await plan.prepare?.(stage);
  await root.begin(plan.base, stage);
  for (const step of plan.steps) await root.carryOut(step, stage);
  await root.open(stage);
  settleLogs(stage.root, stage.clock.seconds ?? 0);
  const view = editedView(hostFiles(stage.root));
  plan.finish(view, stage);
  const { edits } = view;
  const before = stage.chain === undefined ? [] : noteBefore(stage.root, edits);
  applyEdits(stage.root, edits);
  const key = root.id === undefined ? undefined : digestOf(`${root.id} ${editsDigest(edits)}`);
  if (plan.test !== undefined) {
    // Not kept: it looks at the machine as well as at the root.
    const began = performance.now();
    await plan.test(stage);
    const elapsedMs = performance.now() - began;
    stage.ports.tellStep({ kind: "done", title: "%test", elapsedMs });
  }
  return { key, before };
}

function editsDigest(edits: readonly RootEdit[]): string {
  const hash = new Bun.CryptoHasher("sha256");
  for (const edit of edits) {
    const { content, ...rest } = { content: new Uint8Array(0), ...edit };
    hash.update(`${JSON.stringify(rest)} ${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}
