import type { WiredOp } from "../../ops/op.ts";
import type { InstancePlan } from "../instance.ts";
import { setupFault } from "./fault-texts.ts";

/** Inherited descriptors of an instance's files, and what is written to its record. */
export interface InstancePlaces {
  readonly outFd: number;
  readonly errFd: number;
  readonly dirFd: number;
  readonly record: Uint8Array;
  /** -1 and "": no process id file. */
  readonly pidDirFd: number;
  readonly pidName: string;
}

/** The fork that makes process 1 of an instance. */
export function instanceOp(plan: InstancePlan, places: InstancePlaces, tells: boolean): WiredOp {
  return {
    op: {
      kind: "instance",
      ...places,
      name: plan.name,
      boot: plan.boot ? 1 : 0,
      done: tells ? "INFO:    instance started successfully" : "",
    },
    faults: setupFault(`cannot start or record the instance ${plan.name}`),
  };
}
