import { Fault } from "./base/fault.ts";
import type { Invocation } from "./cli/invocation.ts";
import type { Context } from "./terminal/context.ts";

/** A command module: does one invocation and gives the exit status. */
export interface Runner {
  run(invocation: Invocation, context: Context): number | Promise<number>;
}

/** The module of each command that this version has, loaded when it is called. */
const RUNNERS: Readonly<Record<string, () => Promise<Runner>>> = {
  exec: () => import("./commands/exec.ts"),
  run: () => import("./commands/exec.ts"),
  shell: () => import("./commands/exec.ts"),
  test: () => import("./commands/exec.ts"),
  capability: () => import("./commands/capability.ts"),
  instance: () => import("./commands/instance.ts"),
  def: () => import("./commands/def.ts"),
  doctor: () => import("./commands/doctor.ts"),
  explain: () => import("./commands/explain.ts"),
  build: () => import("./commands/build.ts"),
  pull: () => import("./commands/pull.ts"),
  push: () => import("./commands/push.ts"),
  search: () => import("./commands/search.ts"),
  delete: () => import("./commands/delete.ts"),
  tag: () => import("./commands/tag.ts"),
  registry: () => import("./commands/registry.ts"),
  cache: () => import("./commands/cache.ts"),
  remote: () => import("./commands/remote.ts"),
  checkpoint: () => import("./commands/checkpoint.ts"),
  export: () => import("./commands/export.ts"),
  oci: () => import("./commands/oci.ts"),
  overlay: () => import("./commands/overlay.ts"),
  inspect: () => import("./commands/inspect.ts"),
  sif: () => import("./commands/sif.ts"),
  sign: () => import("./commands/sign.ts"),
  verify: () => import("./commands/verify.ts"),
  key: () => import("./commands/key.ts"),
  keyserver: () => import("./commands/keyserver.ts"),
  plugin: () => import("./commands/plugin.ts"),
  "run-help": () => import("./commands/run-help.ts"),
  config: () => import("./commands/config.ts"),
  help: () => import("./commands/help.ts"),
  version: () => import("./commands/version.ts"),
  __network: () => import("./commands/network-helper.ts"),
  __complete: () => import("./commands/completion.ts"),
  completion: () => import("./commands/completion.ts"),
  man: () => import("./commands/man.ts"),
  buildcfg: () => import("./commands/buildcfg.ts"),
};

/** Whether this version has the command. */
export function hasRunner(verb: string): boolean {
  return Object.hasOwn(RUNNERS, verb);
}

/** The module for a command path such as `["sif", "list"]`. Throws a Fault, in the program's name, when this version lacks it. */
export async function findRunner(path: readonly string[], program = "skiff"): Promise<Runner> {
  const verb = path[0] ?? "";
  const load = hasRunner(verb) ? RUNNERS[verb] : undefined;
  if (load === undefined) {
    throw new Fault(
      "unsupported",
      `"${program} ${path.join(" ")}" is not available in this version`,
      {
        hint: `"${program} help" lists the commands`,
      },
    );
  }
  return await load();
}
