import { cleanPath } from "../base/path.ts";
import { parseBinds, parseMounts } from "./bind-spec.ts";
import { checkRequest } from "./check-request.ts";
import type { Config } from "./config.ts";
import type { EnvironmentPlan } from "./env/environment-plan.ts";
import { type EnvironmentFacts, environmentOf } from "./environment-of.ts";
import type { HostFacts } from "./facts.ts";
import { planHome } from "./home.ts";
import { type RunningInstance, rememberedFiles } from "./instance.ts";
import type { Notice, Plan, ProcessPlan, SecurityPlan } from "./plan.ts";
import { planOciProcess, planProcess } from "./process.ts";
import type { LaunchRequest } from "./request.ts";
import { joinedSecurity } from "./security.ts";

/** What a launch into a running instance is planned from. */
export interface JoinFacts {
  readonly request: LaunchRequest;
  readonly config: Config;
  readonly host: HostFacts;
  readonly instance: RunningInstance;
  /** Directories of its control groups with limits. */
  readonly groups: readonly string[];
  /** Whether a directory is there in the instance; undefined: nobody can tell from outside. */
  hasDirectory(path: string): boolean | undefined;
  readonly environment: EnvironmentFacts;
  readonly notices: readonly Notice[];
}

/** A program in the namespaces of a running instance: nothing is mounted, nothing of it changes. */
export interface JoinPlan {
  readonly kind: "join";
  readonly action: string;
  readonly instance: {
    readonly name: string;
    readonly image: string;
    readonly pid: number;
    readonly started: number;
  };
  /** Control groups that the program joins: the limits of the instance are its own. */
  readonly groups: readonly string[];
  /** Names as in /proc/PID/ns. */
  readonly namespaces: readonly string[];
  readonly identity: RunningInstance["identity"];
  readonly security: SecurityPlan;
  readonly environment: EnvironmentPlan;
  readonly cwd: Plan["cwd"];
  readonly umask: Plan["umask"];
  readonly process: ProcessPlan;
  readonly notices: readonly Notice[];
}

/** A plan, or the word that there is nothing to start. */
export type JoinOutcome =
  | { readonly kind: "plan"; readonly plan: JoinPlan }
  | { readonly kind: "nothing"; readonly note: string };

/**
 * What a program in a running instance will see (reference: runtime.md section 9, "Join"). Options
 * that make a container have no effect on one that runs.
 *
 * @throws Fault for options that nobody could use.
 */
export function planJoin(facts: JoinFacts): JoinOutcome {
  const { config, host, instance } = facts;
  const notices: Notice[] = [...facts.notices];
  const asked = facts.request;
  if (asked.fakeroot) {
    notices.push({ level: "info", text: "--fakeroot ignored when joining instance" });
  }
  const request = checkRequest(
    { ...asked, fakeroot: false, workdir: undefined, noMount: [], instance: instance.name },
    config,
    host,
    notices,
  );
  const shell = request.shell?.startsWith("/") === true ? [request.shell] : [];
  const files = rememberedFiles(instance.plan, shell);
  const choice = planProcess(request, files);
  if (choice.kind === "nothing") return choice;
  const cwd = startDirectory(facts, request, notices);
  const hostCwd = host.cwd ?? "/";
  const environment = environmentOf({
    request,
    host,
    imagePath: instance.image,
    binds: [...parseBinds(request.binds, hostCwd), ...parseMounts(request.mounts, hostCwd)],
    home: instance.plan.home,
    program: choice.process.candidates[0]?.argv[0] ?? "",
    cwd: cwd.candidates[0] ?? "/",
    identity: instance.identity,
    runtime: [],
    files,
    isKnown: undefined,
    facts: facts.environment,
    librariesBound: instance.plan.librariesBound,
    notices,
  });
  const args = environment.kind === "direct" ? environment.arguments : undefined;
  const { namespaces } = instance;
  return {
    kind: "plan",
    plan: {
      kind: "join",
      action: request.action,
      instance: {
        name: instance.name,
        image: instance.image,
        pid: instance.pid,
        started: instance.started,
      },
      groups: facts.groups,
      namespaces: [
        ...(["user", "pid", "ipc", "uts", "net"] as const).filter((name) => namespaces[name]),
        "mnt",
      ],
      identity: instance.identity,
      security: joinedSecurity(instance.security, request, notices),
      environment,
      cwd,
      umask: request.noUmask
        ? { mask: 0o022, why: request.origins["no-umask"] ?? "--no-umask" }
        : { mask: host.umask, why: "the caller's" },
      process:
        planOciProcess(args === undefined ? request : { ...request, args }, files, environment) ??
        choice.process,
      notices,
    },
  };
}

function startDirectory(facts: JoinFacts, request: LaunchRequest, notices: Notice[]): Plan["cwd"] {
  const { host, instance } = facts;
  if (request.cwd !== undefined) {
    const isPlain = !request.cwd.split("/").includes("..");
    const cwd = isPlain ? cleanPath(request.cwd) : request.cwd;
    return { candidates: [cwd], fatal: true, why: request.origins["cwd"] ?? "--cwd" };
  }
  const home =
    request.home === undefined
      ? instance.plan.home
      : planHome(request, host, { ...instance.identity, uidMap: "" }).target;
  if (request.contain || host.cwd === undefined) {
    return { candidates: [home, "/"], fatal: false, why: "the home of the instance" };
  }
  if (facts.hasDirectory(host.cwd) === false) {
    const next = facts.hasDirectory(home) === false ? "/" : home;
    notices.push({
      level: "warning",
      text: `Error changing the container working directory. Using '${next}' instead: chdir ${host.cwd}: no such file or directory`,
    });
    return {
      candidates: [next, "/"],
      fatal: false,
      why: "the instance lacks the caller's directory",
    };
  }
  return {
    candidates: [host.cwd, home, "/"],
    fatal: false,
    why: "the caller's working directory",
  };
}
