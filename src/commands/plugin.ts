import { Fault } from "../base/fault.ts";
import type { Invocation } from "../cli/invocation.ts";
import type { Context } from "../terminal/context.ts";

/** `plugin`: there are none, which is what `plugin list` says; nothing else can be done. */
export function run(inv: Invocation, ctx: Context): number {
  if (inv.path[1] === "list") {
    ctx.print("There are no plugins installed.\n");
    return 0;
  }
  throw new Fault(
    "unsupported",
    `"${ctx.program} ${inv.path.join(" ")}" is not available in this version`,
    { hint: "plugins of the reference tool are compiled against its own sources" },
  );
}
