import { readFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { resolvePath } from "../../base/path.ts";
import type { Secret } from "./run-mounts.ts";

/**
 * Reads the values of `--secret`: `id=NAME,src=FILE` or `id=NAME,env=VARIABLE`; with an id alone it is
 * the variable of that name, else the file.
 *
 * @throws Fault `usage` for a malformed value, `not-found` for a file or variable that is not there.
 */
export function readSecrets(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
): ReadonlyMap<string, Secret> {
  const out = new Map<string, Secret>();
  for (const word of words) {
    const fields = new Map(
      word.split(",").map((field) => {
        const cut = field.indexOf("=");
        return cut < 0
          ? ([field, ""] as const)
          : ([field.slice(0, cut), field.slice(cut + 1)] as const);
      }),
    );
    const id = fields.get("id") ?? "";
    const known = ["id", "src", "source", "env", "type"];
    if (id === "" || [...fields.keys()].some((name) => !known.includes(name))) {
      throw new Fault("usage", `Cannot read --secret "${word}"`, {
        exitCode: 255,
        hint: "write id=NAME,src=FILE or id=NAME,env=VARIABLE",
      });
    }
    const path = fields.get("src") ?? fields.get("source");
    const variable =
      fields.get("env") ?? (path === undefined && env[id] !== undefined ? id : undefined);
    out.set(id, {
      id,
      content: variable === undefined ? readSecret(path ?? id, cwd) : ofVariable(variable, env),
    });
  }
  return out;
}

function readSecret(path: string, cwd: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(resolvePath(cwd, path)));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Fault("not-found", `Cannot read the secret "${path}": ${reason}`, { cause });
  }
}

function ofVariable(name: string, env: Readonly<Record<string, string>>): Uint8Array {
  const value = env[name];
  if (value === undefined)
    throw new Fault("not-found", `the variable "${name}" of --secret is not set`);
  return new TextEncoder().encode(value);
}
