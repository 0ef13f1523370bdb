import type { Invocation } from "../../cli/invocation.ts";
import type { HostFacts } from "../../plan/facts.ts";
import type { OciContainer } from "../../runtime/oci/container.ts";
import type { LowLevel } from "../../runtime/oci/low-level.ts";
import type { Context } from "../../terminal/context.ts";

/** What every operation on a container has at hand. */
export interface Desk {
  readonly inv: Invocation;
  readonly ctx: Context;
  readonly host: HostFacts;
  readonly tool: LowLevel;
  readonly container: OciContainer;
}
