import { collectBase } from "./base-variables.ts";
import type { EnvironmentInput } from "./environment-input.ts";
import type { EnvironmentNotice, EnvironmentPlan } from "./environment-plan.ts";
import { evaluateDirectly } from "./evaluate-directly.ts";
import { collectInjection } from "./injected-variables.ts";
import { planSteps } from "./script-steps.ts";
import { writeDriver } from "./shell-driver.ts";

/**
 * The environment of the container process (reference: runtime.md section 2): finished where the
 * image's scripts can be evaluated here, else as a shell that is to run in the container first.
 */
export function planEnvironment(input: EnvironmentInput): EnvironmentPlan {
  const notices: EnvironmentNotice[] = [];
  const injection = collectInjection(input, notices);
  const base = collectBase(input, injection);
  const steps = planSteps(input);
  const result = evaluateDirectly({ input, injection, base, steps });
  notices.push(...result.notices);
  if (result.needsShell !== undefined) {
    return {
      kind: "shell",
      reason: result.needsShell,
      ...writeDriver({ input, injection, base, steps }),
      keep: [],
      timeoutMs: input.timeoutMs,
      predicted: result.variables,
      notices,
    };
  }
  return {
    kind: "direct",
    variables: result.variables,
    output: result.output,
    exit: result.exit,
    umask: result.umask,
    arguments: result.arguments,
    notices,
  };
}
