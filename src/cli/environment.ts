import { Fault } from "../base/fault.ts";
import { readValue } from "./_value.ts";
import type { FlagSetting, Notice } from "./invocation.ts";
import type { FlagSpec } from "./spec.ts";

/** Environment as plain data: names to values. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Prefixes of variables that set flags, strongest first. */
export const ENV_PREFIXES: readonly string[] = ["SKIFF_", "APPTAINER_", "SINGULARITY_"];

interface Found {
  readonly name: string;
  readonly value: string;
}

export interface EnvironmentOptions {
  /** Tell the user when only the SINGULARITY_ form of a variable is set. */
  readonly preferNotice: boolean;
}

/**
 * Adds what the environment says to what the command line said: a flag that was given keeps its
 * value, except that `appendEnv` flags get all their variables' values added. Blank values count
 * as unset. Throws a Fault when a variable holds no value of the flag's kind.
 */
export function addEnvironment(
  specs: readonly FlagSpec[],
  given: ReadonlyMap<string, readonly FlagSetting[]>,
  env: Environment,
  options: EnvironmentOptions,
): {
  readonly settings: ReadonlyMap<string, readonly FlagSetting[]>;
  readonly notices: readonly Notice[];
} {
  const prefixed = collectPrefixed(env);
  const settings = new Map(given);
  const notices: Notice[] = [];
  for (const spec of specs) {
    const suffixes = spec.env;
    if (suffixes === undefined) continue;
    for (const suffix of suffixes) {
      const found = lookUp(suffix, prefixed, notices, options) ?? lookUpBare(spec, suffix, env);
      if (found === undefined) continue;
      const before = settings.get(spec.name);
      if (before !== undefined && spec.appendEnv !== true) continue;
      const result = readValue(spec.kind, found.value);
      if (result.kind === "error") {
        throw new Fault(
          "invalid",
          `Cannot set flag --${spec.name} from ${found.name}: ${result.reason}`,
          { hint: `correct or unset ${found.name}` },
        );
      }
      const added = result.values.map((value) => ({ value, source: found.name }));
      settings.set(spec.name, [...(before ?? []), ...added]);
    }
  }
  return { settings, notices };
}

/**
 * Variables with one of the prefixes that are not blank, white space trimmed. Most environments
 * have few, and asking for each flag's names one by one costs more than one walk.
 */
function collectPrefixed(env: Environment): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const name in env) {
    const first = name.charCodeAt(0);
    if (first !== 65 && first !== 83) continue; // "A", "S"
    if (!ENV_PREFIXES.some((prefix) => name.startsWith(prefix))) continue;
    const value = env[name]?.trim() ?? "";
    if (value !== "") found.set(name, value);
  }
  return found;
}

function lookUp(
  suffix: string,
  prefixed: ReadonlyMap<string, string>,
  notices: Notice[],
  options: EnvironmentOptions,
): Found | undefined {
  if (prefixed.size === 0) return undefined;
  const own = prefixed.get(`SKIFF_${suffix}`);
  if (own !== undefined) return { name: `SKIFF_${suffix}`, value: own };
  const name = `APPTAINER_${suffix}`;
  const oldName = `SINGULARITY_${suffix}`;
  const value = prefixed.get(name);
  const oldValue = prefixed.get(oldName);
  if (value !== undefined) {
    if (oldValue !== undefined && oldValue !== value) {
      notices.push({
        level: "warning",
        text: `${oldName} and ${name} have different values, using the latter`,
      });
    }
    return { name, value };
  }
  if (oldValue === undefined) return undefined;
  if (options.preferNotice) {
    notices.push({
      level: "info",
      text: `Environment variable ${oldName} is set, but ${name} is preferred`,
    });
  }
  return { name: oldName, value: oldValue };
}

/** `DOCKER_HOST` and the like, which other programs share. */
function lookUpBare(spec: FlagSpec, suffix: string, env: Environment): Found | undefined {
  if (spec.bareEnv === undefined || !spec.bareEnv.includes(suffix)) return undefined;
  const value = env[suffix]?.trim() ?? "";
  return value === "" ? undefined : { name: suffix, value };
}
