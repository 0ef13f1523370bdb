import { Fault } from "../base/fault.ts";
import { resolvePath } from "../base/path.ts";
import type { Invocation } from "../cli/invocation.ts";
import { hostFacts } from "../host/facts.ts";
import { mountBundle, unmountBundle } from "../runtime/oci/bundle.ts";
import { containerOf } from "../runtime/oci/container.ts";
import { findLowLevel } from "../runtime/oci/low-level.ts";
import { ociPlaces } from "../runtime/oci/places.ts";
import { readConfig } from "../runtime/read-config.ts";
import type { Context } from "../terminal/context.ts";
import { attachTo, create, runBundle } from "./oci/create.ts";
import type { Desk } from "./oci/desk.ts";
import { change, exec, kill, remove, start, state, update } from "./oci/operate.ts";

type Operation = (desk: Desk) => number | Promise<number>;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  create,
  run: runBundle,
  start,
  state,
  exec,
  kill,
  delete: remove,
  pause: (desk) => change(desk, "pause", ["running"], "is not running"),
  resume: (desk) => change(desk, "resume", ["paused"], "is not paused"),
  update,
  attach: attachTo,
};

/** `oci create|run|start|state|exec|kill|delete|pause|resume|update|attach|mount|umount`: containers of OCI bundles, by crun or runc. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const verb = inv.path[1] ?? "";
  const config = readConfig(inv);
  const host = hostFacts({ binaryPath: config.values.binaryPath, env: ctx.env });
  const [first = "", second = ""] = inv.args;
  const cwd = host.cwd ?? "/";
  if (verb === "mount") {
    mountBundle(resolvePath(cwd, first), resolvePath(cwd, second), host);
    return 0;
  }
  if (verb === "umount") {
    unmountBundle(resolvePath(cwd, first), host);
    return 0;
  }
  const places = ociPlaces(host);
  const tool = findLowLevel(host, places.runtime);
  const operation = OPERATIONS[verb];
  if (operation === undefined) throw new Fault("usage", `unknown command "oci ${verb}"`);
  return await operation({ inv, ctx, host, tool, container: containerOf(first, places) });
}
