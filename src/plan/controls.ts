import type { LabelPlan, LimitsPlan, NetworkPlan, SeccompPlan } from "./plan.ts";

/**
 * What few launches ask for, planned apart and only then, so that its code does not weigh on the
 * others: networks, limits and security profiles.
 */
export interface LaunchControls {
  readonly seccomp?: SeccompPlan;
  readonly label?: LabelPlan;
  /** Capabilities of root by the table of grants, with "root default capabilities = file": a mask. */
  readonly rootCapabilities?: number;
  readonly limits?: LimitsPlan;
  readonly network?: NetworkPlan;
}

export const NO_CONTROLS: LaunchControls = {};
