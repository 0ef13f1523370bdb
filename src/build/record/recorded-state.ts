import type { Before } from "../root/undo-edits.ts";
import type { Stage } from "../stage.ts";

/** What an image holds so that a build elsewhere can go on with its root (cache/other-images.ts). */
export interface RecordedState {
  /** Keys of the steps of its last stage, in order (cache/key-chain.ts). */
  readonly keys: readonly string[];
  /** What the root had where labels, environment and scripts were written at the end. */
  readonly before: readonly Before[];
  /** Names of the objects that came with the base. */
  readonly objects: readonly string[];
  /** SHA-256 of the root file system as it lies in the file. */
  readonly root: string;
}

/** Stands for the digest of a root that is not packed yet. */
const UNKNOWN_ROOT = "0".repeat(64);

/** A text with a record, once the digest of the root is known; its length stays. */
export function withRootDigest(text: string, root: string): string {
  return text.replace(`"root":"${UNKNOWN_ROOT}"`, `"root":"${root}"`);
}

/** The state of a finished stage; undefined when it is not known what its steps depend on. */
export function recordedState(stage: Stage, before: readonly Before[]): RecordedState | undefined {
  const keys = stage.chain?.keys ?? [];
  if (keys.length === 0) return undefined;
  return { keys, before, objects: [...(stage.objects?.keys() ?? [])], root: UNKNOWN_ROOT };
}
