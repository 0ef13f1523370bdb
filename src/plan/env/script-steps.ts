import type { ScriptText } from "../shell/script-files.ts";
import type { EnvironmentInput } from "./environment-input.ts";

/** What happens between an empty environment and the restored one, in order. */
export type ScriptStep =
  | { readonly kind: "source"; readonly script: ScriptText }
  /** PATH gets the entries of the default PATH that it lacks. */
  | { readonly kind: "complete-path" }
  /** PATH becomes the default PATH if it is not set. */
  | { readonly kind: "default-path" }
  /** Injected variables are exported; then the library search path of the image is put in front. */
  | { readonly kind: "inject" }
  /** PATH is replaced or extended as injected; always built in, an image's own copy is not run. */
  | { readonly kind: "runtime-path" };

const FOLDER = "/.singularity.d/env/";

/** Steps 4 to 6 of the construction (reference: runtime.md 2.1 and 2.4). */
export function planSteps(input: EnvironmentInput): readonly ScriptStep[] {
  const steps: ScriptStep[] = [];
  if (input.scripts === undefined) {
    if (input.oldEnvironment !== undefined) {
      steps.push({ kind: "source", script: input.oldEnvironment }, { kind: "complete-path" });
    }
    steps.push({ kind: "inject" }, { kind: "runtime-path" });
    return steps;
  }
  let injected = false;
  let extended = false;
  for (const script of input.scripts) {
    const name = script.path.slice(FOLDER.length);
    if (!script.path.startsWith(FOLDER) || name.startsWith(".")) continue;
    // An image without 99-base.sh gets its injection where that file would stand.
    if (!injected && name > "99-base.sh") {
      steps.push({ kind: "inject" });
      injected = true;
    }
    if (name === "90-environment.sh") steps.push({ kind: "default-path" });
    if (name === "99-runtimevars.sh") {
      steps.push({ kind: "runtime-path" });
      extended = true;
      continue;
    }
    if (!/^(?:\s|#[^\n]*(?:\n|$))*$/.test(script.text)) steps.push({ kind: "source", script });
    if (name === "10-docker.sh" || name === "10-docker2singularity.sh")
      steps.push({ kind: "complete-path" });
    if (name === "99-base.sh") {
      steps.push({ kind: "inject" });
      injected = true;
    }
  }
  if (!injected) steps.push({ kind: "inject" });
  if (!extended) steps.push({ kind: "runtime-path" });
  return steps;
}
