import { baseName } from "../../base/path.ts";
import type { EnvironmentInput } from "./environment-input.ts";
import type { EnvironmentVariable } from "./environment-plan.ts";
import type { Injection } from "./injected-variables.ts";
import { ALWAYS_PASSED, DEFAULT_PATH, isScriptName, PREFIXES } from "./names.ts";

export interface BaseVariables {
  /** Host, fixed and runtime variables: hidden from the scripts, restored after them. */
  readonly hidden: readonly EnvironmentVariable[];
  /** What scripts see from the start. */
  readonly visible: readonly EnvironmentVariable[];
  /** Runtime variables whose value no script can change. */
  readonly forced: readonly EnvironmentVariable[];
  /** Names that scripts can neither see nor change (exported functions and the like). */
  readonly untouched: readonly EnvironmentVariable[];
}

/** Host PATH is handed on in USER_PATH with these appended. */
const USER_PATH_DEFAULT = "/bin:/usr/bin:/sbin:/usr/sbin:/usr/local/bin:/usr/local/sbin";

/** Steps 1 to 3 of the construction (reference: runtime.md 2.1). */
export function collectBase(input: EnvironmentInput, injection: Injection): BaseVariables {
  const all = new Map<string, EnvironmentVariable>();
  const put = (name: string, value: string, origin: string): void => {
    all.set(name, { name, value, origin });
  };
  const taken = new Set(injection.variables.map((variable) => variable.name));
  if (input.cleanEnv) put("LANG", "C", "--cleanenv");
  const dropped = new Set([
    "HOME",
    "PATH",
    "LD_LIBRARY_PATH",
    "UID",
    "GID",
    "EUID",
    ...input.noEnv,
  ]);
  for (const [name, value] of Object.entries(input.host)) {
    if (dropped.has(name) || taken.has(name) || isOurs(name)) continue;
    if (input.cleanEnv && !ALWAYS_PASSED.has(name)) continue;
    put(name, value, "host");
  }
  if (!input.cleanEnv) {
    const path = input.host["PATH"];
    put(
      "USER_PATH",
      path === undefined ? USER_PATH_DEFAULT : `${path}:${USER_PATH_DEFAULT}`,
      "runtime",
    );
  }
  for (const { name, value } of input.runtime) put(name, value, "runtime");
  for (const [name, value] of runtimeVariables(input)) put(name, value, "runtime");
  // The working directory is a fact, not a wish.
  all.delete("PWD");
  put("HOME", input.home, "runtime");
  put("PATH", DEFAULT_PATH, "default PATH");
  for (const name of taken) all.delete(name);

  const names = new Set(visibleNames(input));
  const forcedNames = new Set(
    FORCED.flatMap((suffix) => PREFIXES.map((prefix) => prefix + suffix)),
  );
  const list = [...all.values()];
  const visible = list.filter((variable) => names.has(variable.name));
  if (!taken.has("PWD")) visible.push({ name: "PWD", value: input.cwd, origin: "runtime" });
  return {
    visible,
    hidden: list.filter((variable) => isScriptName(variable.name)),
    forced: list.filter((variable) => forcedNames.has(variable.name)),
    untouched: list.filter((variable) => !isScriptName(variable.name)),
  };
}

const FORCED = ["NAME", "CONTAINER", "INSTANCE"];

function visibleNames(input: EnvironmentInput): string[] {
  const names = ["HOME"];
  for (const prefix of PREFIXES) for (const suffix of FORCED) names.push(prefix + suffix);
  if (input.app !== undefined) names.push("SINGULARITY_APPNAME");
  if (input.shell !== undefined) names.push("SINGULARITY_SHELL");
  return names;
}

function isOurs(name: string): boolean {
  return (
    name.startsWith("APPTAINER_") ||
    name.startsWith("SINGULARITY_") ||
    name.startsWith("APPTAINERENV_") ||
    name.startsWith("SINGULARITYENV_")
  );
}

/** Reference: runtime.md 2.3. */
function runtimeVariables(input: EnvironmentInput): [string, string][] {
  const both: [string, string | undefined][] = [
    ["CONTAINER", input.imagePath],
    ["NAME", baseName(input.imagePath)],
    ["BIND", input.bindDestinations.join(",")],
    ["COMMAND", input.action],
    ["INSTANCE", input.instance],
    ["SHARENS_MASTER", input.sharensMaster ? "1" : undefined],
    ["NO_EVAL", input.noEval ? "1" : undefined],
    ["SHELL", input.shell],
    ["APPNAME", input.app],
  ];
  const out: [string, string][] = [];
  for (const [suffix, value] of both) {
    if (value === undefined) continue;
    for (const prefix of PREFIXES) out.push([prefix + suffix, value]);
  }
  if (input.app === undefined) out.push(["APPTAINER_APPNAME", ""]);
  return out;
}
