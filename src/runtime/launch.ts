import { asksForOci } from "../cli/asks-for-oci.ts";
import type { Invocation } from "../cli/invocation.ts";
import { inheritedDescriptors } from "../host/inherited-descriptors.ts";
import type { LaunchKey } from "../host/launcher-note.ts";
import type { HostFacts } from "../plan/facts.ts";
import { planLaunch } from "../plan/launch.ts";
import type { Plan } from "../plan/plan.ts";
import type { Action } from "../plan/request.ts";
import { gatherLaunch, type RareGatherers } from "./gather.ts";
import { joinInstance } from "./instances/join.ts";
import { announce, INSTANCE, type Launcher, startOptions } from "./launcher.ts";
import { startPlan } from "./start.ts";

/** What fetching an image changes about its launch. */
export interface FetchedLaunch {
  /** The caller's descriptors: this process has opened some of its own since. */
  readonly inherited: readonly number[];
  /** Directory of the image, removed when the container is gone. */
  readonly temporary: string | undefined;
}

/**
 * `exec`, `run`, `shell` and `test`: gathers facts, plans, and becomes the program. Returns a status
 * only when there is nothing to start; throws a Fault before anything happened. With a `key` the
 * launch is remembered.
 *
 * @param fetched where the image was fetched first.
 */
export async function launch(
  inv: Invocation,
  by: Launcher,
  rare: RareGatherers,
  key?: LaunchKey,
  fetched: FetchedLaunch = { inherited: inheritedDescriptors(), temporary: undefined },
): Promise<number> {
  const { inherited, temporary } = fetched;
  const action = inv.path[0] as Action;
  if (inv.args[0]?.startsWith(INSTANCE) === true) return joinInstance(inv, by, inherited, key);
  const facts = await gatherLaunch(inv, action, by.program, by.env, rare);
  for (const { level, text } of inv.notices) by.log[level](text);
  if (action === "shell" && inv.args.length > 1) {
    by.log.warning("Arguments after the image are ignored by shell");
  }
  const plan = announce(planLaunch(facts), by);
  if (typeof plan === "number") return plan;
  const options = startOptions(inv, by, facts, plan.environment, canKeep(plan) ? key : undefined);
  if (asksForOci(inv)) {
    return rare.oci(plan, facts.host, { ...options, key: undefined, inherited, temporary });
  }
  return startPlan(plan, facts.host, {
    ...options,
    inherited,
    temporary,
    scope: await scopeOf(plan, facts.host, rare),
  });
}

/** The systemd scope of a launch with limits, where that is how they are set. */
export async function scopeOf(
  plan: Plan,
  host: HostFacts,
  rare: RareGatherers,
): Promise<string | undefined> {
  return plan.limits?.place.kind === "systemd"
    ? await rare.scope(plan.limits.place, host)
    : undefined;
}

/** Whether a record of it would be the whole launch. */
function canKeep(plan: Plan): boolean {
  return (
    plan.root.image.mounter.kind !== "unpack" &&
    plan.root.image.cipher === undefined &&
    plan.limits === undefined &&
    plan.network === undefined &&
    plan.security.seccomp === undefined &&
    plan.security.label === undefined
  );
}
