import type { Invocation } from "../cli/invocation.ts";
import { planLaunch } from "../plan/launch.ts";
import type { Action } from "../plan/request.ts";
import { gatherLaunch } from "../runtime/gather.ts";
import { startPlan } from "../runtime/start.ts";
import type { Context } from "../terminal/context.ts";

/** `exec`, `run`, `shell` and `test`: gathers facts, plans, and becomes the program. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const action = inv.path[0] as Action;
  if (action === "shell" && inv.args.length > 1) {
    ctx.log.warning("Arguments after the image are ignored by shell");
  }
  const facts = await gatherLaunch(inv, action, ctx.program, ctx.env);
  const launch = planLaunch(facts);
  if (launch.kind === "nothing") {
    ctx.log.info(launch.note);
    return 0;
  }
  const { plan } = launch;
  for (const { level, text } of plan.notices) ctx.log[level](text);
  if (plan.environment.kind === "direct") {
    for (const { stream, text } of plan.environment.output) {
      if (stream === 1) ctx.print(text);
      else ctx.printError(text);
    }
    if (plan.environment.exit !== undefined) return plan.environment.exit;
  }
  return startPlan(plan, facts.host, {
    debug: ctx.log.level >= 5,
    colour: facts.host.stderrIsTerminal && inv.globals.bool("nocolor") !== true,
  });
}
