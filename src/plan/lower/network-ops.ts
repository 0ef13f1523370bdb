import type { WiredOp } from "../../ops/op.ts";
import type { NetworkPlan } from "../plan.ts";
import { escapePercent, setupFault } from "./fault-texts.ts";
import { SERVER_PATH } from "./served-overlay.ts";

const EPERM = 1;
const ECHILD = 10;
const EINVAL = 22;

/** What the tools of users need, and say only in part. */
const HINTS: Readonly<Record<string, string>> = {
  pasta:
    "; pasta needs a default route and /dev/net/tun; --network slirp4netns does without the route, --network none without both",
  slirp4netns: "; slirp4netns needs /dev/net/tun; --network none does without",
};

/** Ops for the network: some before any namespace is left, some once the network namespace is there. */
export function networkOps(network: NetworkPlan): {
  readonly before: readonly WiredOp[];
  readonly after: readonly WiredOp[];
} {
  if (network.kind === "join") {
    const path = escapePercent(network.path);
    const head = `container creation failed: cannot join the network namespace ${path}`;
    return {
      before: [
        {
          op: { kind: "join", paths: [network.path] },
          faults: [
            { errno: EPERM, text: `${head}: it needs root; skiff has no setuid program for it` },
            { errno: EINVAL, text: `${head}: it is no namespace` },
            { errno: 0, text: `${head}: %e` },
          ],
        },
      ],
      after: [],
    };
  }
  const name = escapePercent(network.name);
  const { setup, teardown } = network;
  return {
    before: [
      {
        op: { kind: "companion", setup, teardown, env: [SERVER_PATH] },
        faults: setupFault(`cannot start the helper for network ${name}`),
      },
    ],
    after: [
      {
        op: { kind: "meet" },
        faults: [
          {
            errno: ECHILD,
            text: `container creation failed: Cannot set up network "${name}": %o${HINTS[network.name] ?? ""}`,
          },
          ...setupFault(`cannot reach the helper for network ${name}`),
        ],
      },
    ],
  };
}
