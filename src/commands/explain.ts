import { Fault } from "../base/fault.ts";
import { asksForOci } from "../cli/asks-for-oci.ts";
import type { Invocation } from "../cli/invocation.ts";
import { hostFiles } from "../host/host-files.ts";
import { explainPlan } from "../plan/explain.ts";
import { diffPlans, renderDifferences } from "../plan/explain-diff.ts";
import { explainJoin } from "../plan/explain-join.ts";
import { planJoin } from "../plan/join.ts";
import { planLaunch } from "../plan/launch.ts";
import type { Action } from "../plan/request.ts";
import { gatherLaunch } from "../runtime/gather.ts";
import { gatherJoin } from "../runtime/instances/join.ts";
import { INSTANCE } from "../runtime/launcher.ts";
import type { Context } from "../terminal/context.ts";
import { fetchedImage } from "./_fetched-image.ts";
import { rareGatherers } from "./_rare-gatherers.ts";

/** `explain exec|run|shell|test …` prints the plan of that launch; `explain --diff A B` compares two saved ones. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const action = inv.path[1];
  if (action === undefined) return compareSaved(inv, ctx);
  const [image = "", ...rest] = inv.args;
  const isJson = inv.bool("json") || inv.group?.bool("json") === true;
  if (image.startsWith(INSTANCE)) {
    const joined = planJoin(gatherJoin(inv, action as Action, ctx));
    if (joined.kind === "nothing") ctx.print(`${joined.note}\n`);
    else ctx.print(isJson ? asJson(joined.plan) : explainJoin(joined.plan));
    return 0;
  }
  const isAddress = /^[a-z][a-z0-9+-]*:/.test(image);
  const fetched = isAddress ? await fetchedImage(image, inv, ctx) : undefined;
  const call = fetched === undefined ? inv : inv.withArgs([fetched.path, ...rest]);
  const facts = await gatherLaunch(
    ...([call, action as Action, ctx.program, ctx.env, rareGatherers(ctx)] as const),
  );
  const launch = planLaunch(facts);
  // An explanation runs nothing: what was fetched for it alone goes.
  fetched?.drop();
  if (launch.kind === "nothing") {
    ctx.print(`${launch.note}\n`);
    return 0;
  }
  if (asksForOci(inv)) {
    const { explainSpec } = await import("../runtime/oci/start-by-oci.ts");
    ctx.print(asJson(explainSpec(launch.plan, facts.host)));
    return 0;
  }
  ctx.print(isJson ? asJson(launch.plan) : explainPlan(launch.plan));
  return 0;
}

function asJson(plan: unknown): string {
  return `${JSON.stringify(plan, undefined, 2)}\n`;
}

function compareSaved(inv: Invocation, ctx: Context): number {
  if (!inv.bool("diff")) {
    throw new Fault(
      "usage",
      "Cannot explain without a command line: name exec, run, shell or test",
      {
        hint: "for example: skiff explain exec IMAGE COMMAND",
      },
    );
  }
  const [before, after] = inv.args.map(readPlan);
  const differences = diffPlans(before, after);
  ctx.print(
    inv.bool("json")
      ? `${JSON.stringify(differences, undefined, 2)}\n`
      : renderDifferences(differences),
  );
  return differences.length === 0 ? 0 : 1;
}

function readPlan(path: string): unknown {
  const bytes = hostFiles().read(path.startsWith("/") ? path : `/proc/self/cwd/${path}`);
  if (bytes === undefined) {
    throw new Fault(
      "not-found",
      `Cannot compare the plan "${path}": no such file, or it is not readable`,
    );
  }
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    throw new Fault("invalid", `Cannot compare the plan "${path}": it is not JSON`, {
      cause: error,
      hint: "save plans with: skiff explain --json exec IMAGE COMMAND > FILE",
    });
  }
}
