import { MOUNT_FLAGS } from "../../ops/mount-flags.ts";
import type { WiredOp } from "../../ops/op.ts";
import type { GpuSetup } from "../gpu-binds.ts";
import type { Plan } from "../plan.ts";
import { setupFault } from "./fault-texts.ts";
import { HOST, ROOT } from "./layout.ts";
import { SERVER_PATH } from "./served-overlay.ts";
import { shownOn } from "./show-on.ts";

const ECHILD = 10;

/**
 * The vendor's tool works on the finished root, which it sees on `base` of the caller's tree. The two
 * are of one peer group meanwhile: what it mounts there is mounted in the root.
 */
export function gpuOps(setup: GpuSetup, propagation: Plan["propagation"], base: string): WiredOp[] {
  const { rec, shared, slave } = MOUNT_FLAGS;
  const own = MOUNT_FLAGS.private;
  const share = (target: string, flags: number): WiredOp => ({
    op: { kind: "propagation", target, flags: rec | flags },
    faults: setupFault(`cannot show the root to ${setup.argv[0]}`),
  });
  return [
    share(ROOT, shared),
    ...shownOn(base, ROOT, `the root to ${setup.argv[0]}`, [
      {
        op: {
          kind: "run",
          root: HOST,
          argv: [...setup.argv, base],
          env: [SERVER_PATH],
          alsoGood: 0,
          ambient: setup.ambient,
        },
        faults: [
          {
            errno: ECHILD,
            text: `container creation failed: nvidia-container-cli failed (${setup.why}): %o; use --nv, which needs no tool`,
          },
          ...setupFault(`cannot run nvidia-container-cli (${setup.why})`),
        ],
      },
      // Else what is mounted would go with the place where it was shown.
      share(`${HOST}${base}`, own),
    ]),
    share(ROOT, propagation === "slave" ? slave : own),
  ];
}
