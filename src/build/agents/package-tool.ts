import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { runChild } from "../child.ts";
import type { Stage } from "../stage.ts";

/** Path of the first of some host programs; else a Fault that names the packages they come in. */
export function needTool(stage: Stage, names: readonly string[], hint: string): string {
  for (const name of names) {
    const path = stage.ports.tool(name);
    if (path !== undefined) return path;
  }
  const [only = ""] = names;
  const words =
    names.length === 1 ? `${only} is not in PATH` : `neither ${names.join(" nor ")} in path`;
  throw new Fault("missing-tool", `conveyor failed to get: ${words}`, { hint });
}

/** Names of packages in a list, and in the variable INCLUDE of the caller. */
export function includedPackages(stage: Stage): readonly string[] {
  const text = `${stage.recipe.header["include"] ?? ""} ${stage.ports.env["INCLUDE"] ?? ""}`;
  return text.split(/[\s,]+/).filter((word) => word !== "");
}

/** An address of the header with `%{OSVERSION}` filled in; empty when the header lacks it. */
export function headerAddress(stage: Stage, key: string): string {
  const { header } = stage.recipe;
  const text = header[key] ?? "";
  if (!/%\{OSVERSION\}/i.test(text)) return text;
  const version = header["osversion"] ?? "";
  if (version === "") {
    throw new Fault(
      "invalid",
      `conveyor failed to get: invalid ${header["bootstrap"]} header, OSVersion referenced in ${key} but no OSVersion specified`,
      {
        hint: "add a line `OSVersion:` to the header",
      },
    );
  }
  return text.replaceAll(/%\{OSVERSION\}/gi, version);
}

/**
 * The caller's environment with a home in which rpm keeps its database where distributions with rpm
 * have it: Debian's rpm has it in the home directory.
 */
export function rpmEnvironment(stage: Stage): Readonly<Record<string, string>> {
  const home = `${stage.folder}/rpm-home`;
  mkdirSync(home, { recursive: true });
  const macros = "%_var /var\n%_dbpath %{_var}/lib/rpm\n";
  writeFileSync(`${home}/.rpmmacros`, macros);
  return { ...stage.ports.env, HOME: home };
}

/** Runs a tool that fills the root; its words go to the terminal. */
export async function runTool(
  stage: Stage,
  argv: readonly string[],
  doing: string,
  env: Readonly<Record<string, string>> = stage.ports.env,
): Promise<void> {
  const { signal } = stage.ports;
  const end = await runChild({ argv, env, stdin: "none", stdout: "pass", stderr: "pass", signal });
  if (end.status === 0) return;
  throw new Fault("failed", `conveyor failed to get: while ${doing}: ${end.words}`, {
    hint: `the reason is in the last lines of ${argv[0]}`,
  });
}

/** Removes what a tool keeps for its next run. */
export function removeCache(stage: Stage, path: string): void {
  rmSync(stage.root + path, { recursive: true, force: true });
}
