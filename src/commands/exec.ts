import type { Invocation } from "../cli/invocation.ts";
import { gatherGpu } from "../runtime/gather-gpu.ts";
import { launch } from "../runtime/launch.ts";
import type { Context } from "../terminal/context.ts";

/** `exec`, `run`, `shell` and `test` with everything a launch may need; plain ones take the short way of src/_launch.ts. */
export function run(inv: Invocation, ctx: Context): Promise<number> {
  return launch(inv, ctx, gatherGpu);
}
