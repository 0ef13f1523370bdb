import type { EnvironmentInput } from "../../src/plan/env/environment-input.ts";
import { STANDARD_SCRIPTS } from "../../src/plan/env/standard-scripts.ts";

/** `exec true` in /images/x.sif by the user u (1000), with no environment and no scripts. */
export const MADE_UP_ENVIRONMENT: EnvironmentInput = {
  host: {},
  action: "exec",
  arguments: ["true"],
  imagePath: "/images/x.sif",
  bindDestinations: [],
  home: "/home/u",
  cwd: "/",
  uid: 1000,
  gid: 100,
  cleanEnv: false,
  noEval: false,
  noEnv: [],
  env: [],
  envFiles: [],
  app: undefined,
  shell: undefined,
  instance: undefined,
  sharensMaster: false,
  prompt: "Apptainer> ",
  runtime: [],
  librariesBound: false,
  libraryDirectories: () => [],
  scripts: undefined,
  oldEnvironment: undefined,
  files: undefined,
  timeoutMs: 60_000,
};

/** The environment scripts of an image: the standard ones, with others added or in their place. */
export function standardScripts(
  others: Readonly<Record<string, string>> = {},
): NonNullable<EnvironmentInput["scripts"]> {
  const all = new Map<string, string>();
  for (const { path, text } of STANDARD_SCRIPTS)
    if (path.startsWith("/.singularity.d/env/")) all.set(path, text);
  for (const [name, text] of Object.entries(others)) all.set(`/.singularity.d/env/${name}`, text);
  return [...all].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, text]) => ({ path, text }));
}
