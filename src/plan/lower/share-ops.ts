import type { WiredOp } from "../../ops/op.ts";
import type { Plan } from "../plan.ts";
import type { SharePlan } from "../share.ts";

/** Where the processes of a step meet. */
export interface SharePlaces {
  /** Directory of the user on this node. */
  readonly dir: string;
  /** Digest of what they have in common. */
  readonly name: string;
  /** For lists; a multiple of 32 bytes. */
  readonly about: string;
}

/** Longest wait for another process that makes the container. */
const WAIT_MS = 10_000;

/** `setup`, left out where another process of the step has done it. */
export function shareOps(
  share: SharePlan,
  places: SharePlaces,
  namespaces: Plan["namespaces"],
  setup: readonly WiredOp[],
): WiredOp[] {
  const names = (["user", "ipc", "uts"] as const).filter((name) => namespaces[name]);
  const first: WiredOp = {
    op: {
      kind: "share",
      ...places,
      variables: share.variables,
      parent: share.parent ? 1 : 0,
      drop: share.drop ? 1 : 0,
      names: [...names, "mnt"],
      skip: setup.length,
      waitMs: WAIT_MS,
      firstEnv: share.firstEnv,
    },
    faults: [
      {
        errno: 0,
        text: "Cannot enter the container that other processes of this job step share: %e; use --share-ranks=false",
      },
    ],
  };
  return [first, ...setup, { op: { kind: "publish" }, faults: [] }];
}
