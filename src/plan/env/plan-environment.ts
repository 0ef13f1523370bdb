import { Fault } from "../../base/fault.ts";
import type { EnvironmentInput } from "./environment-input.ts";
import type { EnvironmentPlan } from "./environment-plan.ts";

/** The environment of the container process, or how a shell makes it (reference: runtime.md section 2). */
export function planEnvironment(_input: EnvironmentInput): EnvironmentPlan {
  throw new Fault("unsupported", "Cannot construct the environment: not written yet");
}
