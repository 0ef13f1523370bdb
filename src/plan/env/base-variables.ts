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

/**
 * Steps 1 to 3 of the construction (reference: runtime.md 2.1). Loops instead of array methods: each
 * of those costs 20 to 80 microseconds when a process calls it for the first time.
 */
export function collectBase(input: EnvironmentInput, injection: Injection): BaseVariables {
  const all = new Map<string, EnvironmentVariable>();
  const put = (name: string, value: string, origin: string): void => {
    all.set(name, { name, value, origin });
  };
  const dropped = new Set(["HOME", "PATH", "LD_LIBRARY_PATH", "PWD"]);
  for (const name of input.noEnv) dropped.add(name);
  let injectsPwd = false;
  for (const { name } of injection.variables) {
    dropped.add(name);
    if (name === "PWD") injectsPwd = true;
  }
  if (input.cleanEnv) put("LANG", "C", "--cleanenv");
  for (const [name, value] of Object.entries(input.host)) {
    if (dropped.has(name) || isOurs(name)) continue;
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
  putRuntimeVariables(input, put);
  put("HOME", input.home, "runtime");
  put("PATH", DEFAULT_PATH, "default PATH");
  for (const { name } of injection.variables) all.delete(name);
  return divide(all, input, injectsPwd);
}

function divide(
  all: ReadonlyMap<string, EnvironmentVariable>,
  input: EnvironmentInput,
  injectsPwd: boolean,
): BaseVariables {
  const hidden: EnvironmentVariable[] = [];
  const visible: EnvironmentVariable[] = [];
  const forced: EnvironmentVariable[] = [];
  const untouched: EnvironmentVariable[] = [];
  for (const [name, variable] of all) {
    if (!isScriptName(name)) {
      untouched.push(variable);
      continue;
    }
    hidden.push(variable);
    if (FORCED.has(name)) forced.push(variable);
    if (FORCED.has(name) || name === "HOME" || name === "GID") visible.push(variable);
    if (name === "SINGULARITY_APPNAME" && input.app !== undefined) visible.push(variable);
    if (name === "SINGULARITY_SHELL" && input.shell !== undefined) visible.push(variable);
  }
  // The working directory is a fact, not a wish.
  if (!injectsPwd) visible.push({ name: "PWD", value: input.cwd, origin: "runtime" });
  return { visible, hidden, forced, untouched };
}

/** What scripts see from the start and cannot change. */
const FORCED: ReadonlySet<string> = new Set([
  "APPTAINER_NAME",
  "APPTAINER_CONTAINER",
  "APPTAINER_INSTANCE",
  "SINGULARITY_NAME",
  "SINGULARITY_CONTAINER",
  "SINGULARITY_INSTANCE",
]);

function isOurs(name: string): boolean {
  return (
    name.startsWith("APPTAINER_") ||
    name.startsWith("SINGULARITY_") ||
    name.startsWith("APPTAINERENV_") ||
    name.startsWith("SINGULARITYENV_")
  );
}

/** Reference: runtime.md 2.3. */
function putRuntimeVariables(
  input: EnvironmentInput,
  put: (name: string, value: string, origin: string) => void,
): void {
  const both = (suffix: string, value: string | undefined): void => {
    if (value === undefined) return;
    put(PREFIXES[0] + suffix, value, "runtime");
    put(PREFIXES[1] + suffix, value, "runtime");
  };
  both("CONTAINER", input.imagePath);
  both("NAME", baseName(input.imagePath));
  both("BIND", input.bindDestinations.join(","));
  both("COMMAND", input.action);
  both("INSTANCE", input.instance);
  both("SHARENS_MASTER", input.sharensMaster ? "1" : undefined);
  both("NO_EVAL", input.noEval ? "1" : undefined);
  both("SHELL", input.shell);
  both("APPNAME", input.app);
  if (input.app === undefined) put("APPTAINER_APPNAME", "", "runtime");
}
