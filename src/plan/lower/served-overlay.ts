import type { WiredOp } from "../../ops/op.ts";
import type { IdentityPlan } from "../plan.ts";
import { imageFaults } from "./fault-texts.ts";
import { HOST, ROOT } from "./layout.ts";
import { shownOn } from "./show-on.ts";

/** Environment of file servers. */
export const SERVER_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What an overlay is made of: directories of the session, the topmost lower one first; MS_* bits. */
export interface OverlayLayers {
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
  readonly flags: number;
}

/**
 * An overlay that a FUSE program serves; the session is shown to it on `base` while it starts.
 */
export function servedOverlay(
  identity: IdentityPlan,
  tool: { readonly path: string; readonly oneOwner?: boolean },
  layers: OverlayLayers,
  base: string,
): WiredOp[] {
  const seen = (path: string): string => `${base}${path}`;
  const options = [`lowerdir=${layers.lower.map(seen).join(":")}`];
  if (layers.upper !== "") {
    options.push(`upperdir=${seen(layers.upper)}`, `workdir=${seen(layers.work)}`);
  }
  options.push("noacl");
  if (tool.oneOwner === true) options.push("squash_to_root");
  return shownOn(base, "/", "the layers to fuse-overlayfs", [
    {
      op: {
        kind: "fuse",
        serverRoot: HOST,
        target: ROOT,
        subtype: "fuse-overlayfs",
        source: "fuse-overlayfs",
        flags: layers.flags,
        data: "allow_other,default_permissions",
        uid: identity.uid,
        gid: identity.gid,
        argv: [tool.path, "-f", "-o", options.join(","), "%f"],
        env: [SERVER_PATH],
        selfMount: 0,
      },
      faults: imageFaults("the overlay", tool.path),
    },
  ]);
}
