import type { Invocation } from "../cli/invocation.ts";
import { inheritedDescriptors } from "../host/inherited-descriptors.ts";
import type { LaunchKey } from "../host/launcher-note.ts";
import { planLaunch } from "../plan/launch.ts";
import type { Plan } from "../plan/plan.ts";
import type { Action, LaunchRequest } from "../plan/request.ts";
import { gatherLaunch, type RareGatherers } from "./gather.ts";
import { startPlan } from "./start.ts";

/** Who launches, and how it speaks to the user. */
export interface Launcher {
  readonly program: LaunchRequest["calledAs"];
  readonly env: Readonly<Record<string, string>>;
  readonly log: {
    /** 5 and above: every operation is told. */
    readonly level: number;
    info(text: string): void;
    warning(text: string): void;
  };
  print(text: string): void;
  printError(text: string): void;
}

/**
 * `exec`, `run`, `shell` and `test`: gathers facts, plans, and becomes the program. Returns a status
 * only when there is nothing to start; throws a Fault before anything happened. With a `key` the
 * launch is remembered.
 */
export async function launch(
  inv: Invocation,
  by: Launcher,
  rare: RareGatherers,
  key?: LaunchKey,
): Promise<number> {
  const inherited = inheritedDescriptors();
  const action = inv.path[0] as Action;
  const facts = await gatherLaunch(inv, action, by.program, by.env, rare);
  for (const { level, text } of inv.notices) by.log[level](text);
  if (action === "shell" && inv.args.length > 1) {
    by.log.warning("Arguments after the image are ignored by shell");
  }
  const launch = planLaunch(facts);
  if (launch.kind === "nothing") {
    by.log.info(launch.note);
    return 0;
  }
  const { plan } = launch;
  for (const { level, text } of plan.notices) by.log[level](text);
  if (plan.environment.kind === "direct") {
    for (const { stream, text } of plan.environment.output) {
      if (stream === 1) by.print(text);
      else by.printError(text);
    }
    if (plan.environment.exit !== undefined) return plan.environment.exit;
  }
  return startPlan(plan, facts.host, {
    inherited,
    key:
      facts.environment.envFiles.length === 0 &&
      canRemember(facts.request, plan) &&
      by.log.level < 5
        ? key
        : undefined,
    cleanEnv: facts.request.cleanEnv || facts.request.containAll,
    noEnv: facts.request.noEnv,
    scope:
      plan.limits?.place.kind === "systemd"
        ? await rare.scope(plan.limits.place, facts.host)
        : undefined,
    debug: by.log.level >= 5,
    says: { info: by.log.level >= 1, warnings: by.log.level >= -2 },
    colour: facts.host.stderrIsTerminal && inv.globals.bool("nocolor") !== true,
  });
}

/**
 * Whether the launch can be started again without planning it: it needs no shell and no
 * unpacking, and its command line holds no values of variables, which might be secret.
 */
function canRemember(request: LaunchRequest, plan: Plan): boolean {
  const { environment } = plan;
  return (
    environment.kind === "direct" &&
    environment.output.length === 0 &&
    request.env.length === 0 &&
    (request.action !== "shell" || request.args.length === 0) &&
    plan.root.image.mounter.kind !== "unpack" &&
    plan.limits === undefined &&
    plan.security.seccomp === undefined &&
    plan.security.label === undefined
  );
}
