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

/** A state as an image tells it; undefined when it has another shape. */
export function readState(value: unknown): RecordedState | undefined {
  const { keys, before, objects, root } = (value ?? {}) as Partial<RecordedState>;
  const isTexts = (list: unknown): boolean =>
    Array.isArray(list) && list.every((one) => typeof one === "string");
  const isWhole = isTexts(keys) && isTexts(objects) && typeof root === "string";
  return isWhole && Array.isArray(before) && before.every(isBefore)
    ? (value as RecordedState)
    : undefined;
}

function isBefore(value: unknown): boolean {
  const one = (value ?? {}) as Readonly<Record<string, unknown>>;
  const has = (type: string, ...names: readonly string[]): boolean =>
    names.every((name) => typeof one[name] === type);
  if (!has("string", "path", "kind")) return false;
  switch (one["kind"]) {
    case "absent":
      return true;
    case "dir":
      return has("number", "mode", "seconds");
    case "symlink":
      return has("number", "seconds") && has("string", "target");
    case "file": {
      const owner = one["owner"] ?? [0, 0];
      const isOwner = Array.isArray(owner) && owner.every((id) => typeof id === "number");
      return has("number", "mode", "seconds") && has("string", "content") && isOwner;
    }
    default:
      return false;
  }
}

/** The state of a finished stage; undefined when it is not known what its steps depend on. */
export function recordedState(stage: Stage, before: readonly Before[]): RecordedState | undefined {
  const keys = stage.chain?.keys ?? [];
  if (keys.length === 0) return undefined;
  return { keys, before, objects: [...(stage.objects?.keys() ?? [])], root: UNKNOWN_ROOT };
}
