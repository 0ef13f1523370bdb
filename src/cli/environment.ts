import { Fault } from "../base/fault.ts";
import { readValue } from "./_value.ts";
import type { FlagIndex } from "./flag-index.ts";
import type { FlagSetting, Notice } from "./invocation.ts";
import type { PackedFlag } from "./spec.ts";

/** Environment as plain data: names to values. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Prefixes of variables that set flags, strongest first. */
export const ENV_PREFIXES: readonly string[] = ["SKIFF_", "APPTAINER_", "SINGULARITY_"];

export interface EnvironmentOptions {
  /** Tell the user when only the SINGULARITY_ form of a variable is set. */
  readonly preferNotice: boolean;
}

/** Values of one suffix under the three prefixes, in their order. */
type Values = [string | undefined, string | undefined, string | undefined];

/**
 * Adds what the environment says to what the command line said: a flag that was given keeps its
 * value, except that `appendEnv` flags get all their variables' values added. Blank values count
 * as unset. Throws a Fault when a variable holds no value of the flag's kind.
 */
export function addEnvironment(
  index: FlagIndex,
  given: ReadonlyMap<string, readonly FlagSetting[]>,
  env: Environment,
  options: EnvironmentOptions,
): {
  readonly settings: ReadonlyMap<string, readonly FlagSetting[]>;
  readonly notices: readonly Notice[];
} {
  const found = collectPrefixed(env);
  const suffixes = found === undefined ? [] : [...found.keys()];
  const rows = found === undefined ? index.bareRows : index.rows;
  const added = new Map<string, readonly FlagSetting[]>();
  const notices: Notice[] = [];
  // Run at every launch, before the engine has compiled anything: so by index, and rows that no
  // variable is about are passed over before anything is taken apart.
  for (let at = 0; at < rows.length; at += 1) {
    const row = rows[at] as PackedFlag;
    if (row[3] === "" || (row[4] === "" && !mentionsAny(row[3], suffixes))) continue;
    const before = given.get(row[0]);
    const after = addVariables(row, found, before, notices, env, options);
    if (after !== before && after !== undefined) added.set(row[0], after);
  }
  return { settings: added.size === 0 ? given : new Map([...given, ...added]), notices };
}

/** Quick look whether a blank separated list may hold one of the suffixes; a longer word that contains one counts too. */
function mentionsAny(list: string, suffixes: readonly string[]): boolean {
  for (let at = 0; at < suffixes.length; at += 1) {
    if (list.includes(suffixes[at] as string)) return true;
  }
  return false;
}

/** Values of one flag with those of its variables added; `given` itself when there are none. */
function addVariables(
  row: PackedFlag,
  found: ReadonlyMap<string, Values> | undefined,
  given: readonly FlagSetting[] | undefined,
  notices: Notice[],
  env: Environment,
  options: EnvironmentOptions,
): readonly FlagSetting[] | undefined {
  const [name, , kind, suffixes, bareNames, , json] = row;
  let settings = given;
  for (const suffix of suffixes.split(" ")) {
    const prefixed = choose(suffix, found?.get(suffix), notices, options);
    const isBare = prefixed === undefined && bareNames.split(" ").includes(suffix);
    const variable = prefixed ?? (isBare ? suffix : undefined);
    const value = variable === undefined ? "" : (env[variable]?.trim() ?? "");
    if (variable === undefined || value === "") continue;
    if (settings !== undefined && !json.includes('"appendEnv":true')) continue;
    const result = readValue(kind, value);
    if (result.kind === "error") {
      throw new Fault("invalid", `Cannot set flag --${name} from ${variable}: ${result.reason}`, {
        hint: `correct or unset ${variable}`,
      });
    }
    const added = result.values.map((one) => ({ value: one, source: variable }));
    settings = settings === undefined ? added : [...settings, ...added];
  }
  return settings;
}

/**
 * Suffixes of the variables with one of the prefixes that are not blank; undefined without any.
 * Most environments have few, and asking for the names of each flag costs more than one walk.
 */
function collectPrefixed(env: Environment): ReadonlyMap<string, Values> | undefined {
  let found: Map<string, Values> | undefined;
  for (const name in env) {
    if (name[0] !== "A" && name[0] !== "S") continue;
    for (let at = 0; at < ENV_PREFIXES.length; at += 1) {
      const prefix = ENV_PREFIXES[at] ?? "";
      if (!name.startsWith(prefix)) continue;
      const value = env[name]?.trim() ?? "";
      if (value === "") break;
      found ??= new Map();
      const suffix = name.slice(prefix.length);
      const values = found.get(suffix) ?? [undefined, undefined, undefined];
      values[at] = value;
      found.set(suffix, values);
      break;
    }
  }
  return found;
}

/** The variable that counts for a suffix; notes what the user should know about the others. */
function choose(
  suffix: string,
  values: Values | undefined,
  notices: Notice[],
  options: EnvironmentOptions,
): string | undefined {
  if (values === undefined) return undefined;
  const [own, value, oldValue] = values;
  if (own !== undefined) return `SKIFF_${suffix}`;
  const name = `APPTAINER_${suffix}`;
  const oldName = `SINGULARITY_${suffix}`;
  if (value !== undefined) {
    if (oldValue !== undefined && oldValue !== value) {
      const text = `${oldName} and ${name} have different values, using the latter`;
      notices.push({ level: "warning", text });
    }
    return name;
  }
  if (options.preferNotice) {
    const text = `Environment variable ${oldName} is set, but ${name} is preferred`;
    notices.push({ level: "info", text });
  }
  return oldName;
}
