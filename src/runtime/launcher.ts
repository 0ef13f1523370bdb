import type { Invocation } from "../cli/invocation.ts";
import type { LaunchKey } from "../host/launcher-note.ts";
import type { HostFacts } from "../plan/facts.ts";
import type { LaunchFacts } from "../plan/launch.ts";
import type { Plan } from "../plan/plan.ts";
import type { LaunchRequest } from "../plan/request.ts";
import type { StartOptions } from "./start.ts";

/** Begins the name of a running instance. */
export const INSTANCE = "instance://";

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

/** How a planned launch starts; nothing of the caller's is handed on. */
export function startOptions(
  inv: Invocation,
  by: Launcher,
  facts: Pick<LaunchFacts, "request" | "host" | "environment">,
  environment: Plan["environment"],
  key: LaunchKey | undefined,
): StartOptions {
  const { request, host } = facts;
  const isKept =
    facts.environment.envFiles.length === 0 &&
    canRemember(request, environment) &&
    by.log.level < 5;
  return {
    inherited: [],
    scope: undefined,
    key: isKept ? key : undefined,
    cleanEnv: request.cleanEnv || request.containAll,
    noEnv: request.noEnv,
    debug: by.log.level >= 5,
    says: { info: by.log.level >= 1, warnings: by.log.level >= -2 },
    colour: host.stderrIsTerminal && inv.globals.bool("nocolor") !== true,
  };
}

/**
 * What planning came to, told to the user with what scripts printed: the plan that is to be carried
 * out, or the status to end with, when there is nothing to start or a script has ended the launch.
 */
export function announce<P extends Pick<Plan, "notices" | "environment">>(
  outcome:
    | { readonly kind: "plan"; readonly plan: P }
    | { readonly kind: "nothing"; readonly note: string },
  by: Launcher,
): P | number {
  if (outcome.kind === "nothing") {
    by.log.info(outcome.note);
    return 0;
  }
  const { plan } = outcome;
  const { environment } = plan;
  for (const { level, text } of plan.notices) by.log[level](text);
  if (environment.kind !== "direct") return plan;
  for (const { stream, text } of environment.output) {
    if (stream === 1) by.print(text);
    else by.printError(text);
  }
  return environment.exit ?? plan;
}

/** Has systemd take this process into the scopes among the control groups of an instance, if there are any. */
export async function enterScopes(groups: readonly string[], host: HostFacts): Promise<void> {
  if (!groups.some((dir) => dir.includes(".scope/"))) return;
  const { attachToScopes } = await import("./systemd-scope.ts");
  attachToScopes(groups, host);
}

/**
 * Whether the launch can be started again without planning it: it needs no shell and no
 * unpacking, and its command line holds no values of variables, which might be secret.
 */
function canRemember(request: LaunchRequest, environment: Plan["environment"]): boolean {
  return (
    environment.kind === "direct" &&
    environment.output.length === 0 &&
    request.env.length === 0 &&
    request.onlyEnv !== true &&
    (request.action !== "shell" || request.args.length === 0)
  );
}
