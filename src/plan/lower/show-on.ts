import type { WiredOp } from "../../ops/op.ts";
import { setupFault } from "./fault-texts.ts";
import { HOST } from "./layout.ts";

/**
 * Ops during which a directory of the session stands on `base` of the caller's tree: servers live in
 * that tree and work on the session's; the mount namespace that one starts with keeps it.
 *
 * @param what in messages: "the layers to fuse-overlayfs".
 */
export function shownOn(
  base: string,
  source: string,
  what: string,
  during: readonly WiredOp[],
): WiredOp[] {
  const faults = setupFault(`cannot show ${what}`);
  return [
    {
      op: {
        kind: "bind",
        sourceRoot: "",
        source,
        root: HOST,
        target: base,
        recursive: 1,
        flags: 0,
        create: 0,
        optional: 0,
        warning: "",
      },
      faults,
    },
    ...during,
    { op: { kind: "umount", target: `${HOST}${base}`, detach: 1, optional: 0 }, faults },
  ];
}
