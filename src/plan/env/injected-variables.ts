import type { EnvironmentInput } from "./environment-input.ts";
import type { EnvironmentNotice } from "./environment-plan.ts";
import { NOT_INJECTABLE } from "./names.ts";

/** A variable that the user puts over those of the image. */
export interface InjectedVariable {
  readonly name: string;
  readonly value: string;
  readonly origin: string;
}

export interface Injection {
  /** In the order they are exported. PATH and its extensions are not here. */
  readonly variables: readonly InjectedVariable[];
  readonly path: InjectedVariable | undefined;
  readonly prependPath: InjectedVariable | undefined;
  readonly appendPath: InjectedVariable | undefined;
}

const SOURCES = ["SINGULARITYENV_", "APPTAINERENV_"] as const;

/**
 * What the user injects: SINGULARITYENV_X, then APPTAINERENV_X, `--env-file`, `--env`; later ones
 * win (reference: runtime.md 2.1, step 5).
 */
export function collectInjection(input: EnvironmentInput, notices: EnvironmentNotice[]): Injection {
  const found = new Map<string, InjectedVariable>();
  const put = (name: string, value: string, origin: string): void => {
    found.delete(name);
    found.set(name, { name, value, origin });
  };
  for (const prefix of SOURCES) {
    for (const [full, value] of Object.entries(input.host)) {
      if (!full.startsWith(prefix) || full.length === prefix.length) continue;
      put(full.slice(prefix.length), value, full);
    }
  }
  const given = new Map<string, string>();
  for (const { name, value } of input.env) {
    if (name === "")
      notice(notices, "warning", `Ignore environment variable "=${value}": variable name missing`);
    else given.set(name, value);
  }
  for (const file of input.envFiles) {
    for (const { name, value } of file.variables) {
      if (given.has(name)) {
        notice(
          notices,
          "warning",
          `Ignored environment file variable ${name}: override from --env`,
        );
      } else {
        put(name, value, `--env-file ${file.path}`);
      }
    }
  }
  for (const [name, value] of given) put(name, value, "--env on the command line");
  warnAboutOldNames(input, found, notices);

  let path: InjectedVariable | undefined;
  let prependPath: InjectedVariable | undefined;
  let appendPath: InjectedVariable | undefined;
  const variables: InjectedVariable[] = [];
  for (const variable of found.values()) {
    const { name, origin } = variable;
    if (NOT_INJECTABLE.has(name)) {
      const source = origin.startsWith("--") ? `APPTAINERENV_${name}` : origin;
      notice(
        notices,
        "warning",
        `Overriding ${name} environment variable with ${source} is not permitted`,
      );
    } else if (name === "PATH") path = variable;
    else if (name === "PREPEND_PATH") prependPath = variable;
    else if (name === "APPEND_PATH") appendPath = variable;
    else if (name !== "UID" && name !== "GID" && name !== "EUID") variables.push(variable);
  }
  return { variables, path, prependPath, appendPath };
}

function warnAboutOldNames(
  { host, oldNamesAreOwn }: EnvironmentInput,
  found: ReadonlyMap<string, InjectedVariable>,
  notices: EnvironmentNotice[],
): void {
  for (const [old, value] of Object.entries(host)) {
    if (!old.startsWith("SINGULARITYENV_") || old.length === 15) continue;
    const name = old.slice(15);
    const preferred = `APPTAINERENV_${name}`;
    const winner = found.get(name);
    if (winner === undefined || winner.origin === old) {
      if (oldNamesAreOwn === true) continue;
      notice(notices, "info", `Environment variable ${old} is set, but ${preferred} is preferred`);
    } else if (winner.value !== value) {
      notice(notices, "warning", `${old} and ${preferred} have different values, using the latter`);
    }
  }
}

function notice(
  notices: EnvironmentNotice[],
  level: EnvironmentNotice["level"],
  text: string,
): void {
  notices.push({ level, text });
}
