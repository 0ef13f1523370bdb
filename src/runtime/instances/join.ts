import { Fault } from "../../base/fault.ts";
import type { Invocation } from "../../cli/invocation.ts";
import { limitGroupsOf } from "../../host/cgroups.ts";
import { hostFacts } from "../../host/facts.ts";
import type { LaunchKey } from "../../host/launcher-note.ts";
import { access, F_OK } from "../../host/syscall.ts";
import type { HostFacts } from "../../plan/facts.ts";
import { type JoinFacts, planJoin } from "../../plan/join.ts";
import { lowerJoin } from "../../plan/lower/lower-join.ts";
import type { Notice } from "../../plan/plan.ts";
import type { Action } from "../../plan/request.ts";
import { readEnvFiles } from "../env-files.ts";
import { announce, enterScopes, INSTANCE, type Launcher, startOptions } from "../launcher.ts";
import { readConfig } from "../read-config.ts";
import { requestOf } from "../request-of.ts";
import { becomeProgram, shellFor } from "../start.ts";
import { recordDirectory } from "./places.ts";
import { type InstanceRecord, ownPlace, readRecord } from "./records.ts";

/**
 * `exec`, `run`, `shell` and `test` with `instance://NAME`: becomes a program in that instance. Returns
 * a status only when there is nothing to start.
 *
 * @throws Fault when there is no such instance.
 */
export async function joinInstance(
  inv: Invocation,
  by: Launcher,
  inherited: readonly number[],
  key: LaunchKey | undefined,
): Promise<number> {
  const facts = gatherJoin(inv, inv.path[0] as Action, by);
  for (const { level, text } of inv.notices) by.log[level](text);
  const plan = announce(planJoin(facts), by);
  if (typeof plan === "number") return plan;
  const options = startOptions(
    inv,
    by,
    facts,
    plan.environment,
    plan.groups.length === 0 ? key : undefined,
  );
  const shell = await shellFor(plan.environment);
  await enterScopes(plan.groups, facts.host);
  const ops = lowerJoin(plan, { says: options.says, ...shell });
  return becomeProgram(ops, plan.environment, facts.host, { ...options, inherited });
}

/** Reads everything that a launch into an instance is planned from. */
export function gatherJoin(
  inv: Invocation,
  action: Action,
  by: Pick<Launcher, "program" | "env">,
): JoinFacts {
  const [image = "", ...args] = inv.args;
  const config = readConfig(inv);
  const host = hostFacts({ binaryPath: config.values.binaryPath, env: by.env });
  const instance = findInstance(host, image.slice(INSTANCE.length));
  const request = requestOf(inv, action, by.program, args, "running");
  const notices: Notice[] = [];
  if (Object.keys(request.limits).length > 0) {
    notices.push({
      level: "warning",
      text: "Resource limits & cgroups configuration are only applied to instances at instance start.",
    });
  }
  return {
    request,
    config,
    host,
    instance,
    groups: instance.isLimited ? limitGroupsOf(instance.pid, host) : [],
    hasDirectory: (path) => hasDirectory(instance.pid, path),
    environment: { envFiles: readEnvFiles(inv, request, instance.image, host, notices) },
    notices,
  };
}

/** Seen from outside; what a file server of the instance refuses to us may still be there. */
function hasDirectory(pid: number, path: string): boolean | undefined {
  const ENOENT = -2;
  const ENOTDIR = -20;
  const root = `/proc/${pid}/root`;
  const error = access(`${root}${path}/.`, F_OK);
  if (error === 0) return true;
  const isMissing = error === ENOENT || error === ENOTDIR;
  return isMissing && access(`${root}/.`, F_OK) === 0 ? false : undefined;
}

/**
 * The record of an instance that may run: the starter sees whether its process does, so that a launch
 * that was remembered sees it too.
 */
function findInstance(host: HostFacts, name: string): InstanceRecord {
  const found = readRecord(recordDirectory(host), name);
  if (found.kind === "record" && found.record.place === ownPlace()) return found.record;
  const why = {
    none: "",
    record: ": it was started in another PID namespace than this, and cannot be entered from here",
    claim: ": it is still being started",
    broken: ': its record is damaged; "instance start" replaces it',
  }[found.kind];
  throw new Fault("not-found", `no instance found with name ${name}${why}`, {
    hint: "instance list shows those that run",
  });
}
