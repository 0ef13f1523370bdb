import type { WiredOp } from "../../ops/op.ts";
import type { JoinPlan } from "../join.ts";
import { setupFault } from "./fault-texts.ts";
import { type LowerOptions, processOps } from "./lower.ts";

const EPERM = 1;
const ESRCH = 3;
const EACCES = 13;

/** A program in a running instance, as kernel operations. */
export function lowerJoin(
  plan: JoinPlan,
  options: Pick<LowerOptions, "says" | "shellFd" | "shellPath">,
): WiredOp[] {
  const { name, pid, started } = plan.instance;
  const refused = `Cannot enter the instance ${name}: %e; it was started by another user, or in another user namespace than this`;
  const out: WiredOp[] = [
    ...plan.groups.map(
      (dir): WiredOp => ({
        op: {
          kind: "write",
          root: "",
          path: `${dir}/cgroup.procs`,
          value: "0",
          warning: `WARNING: The limits of the instance ${name} do not hold for this program: ${dir} cannot be entered: %e`,
        },
        faults: [],
      }),
    ),
    {
      op: { kind: "enter", pid, started, names: plan.namespaces },
      faults: [
        {
          errno: ESRCH,
          text: `no instance found with name ${name}: its process ${pid} has ended and its record is stale; "instance start" replaces it`,
        },
        { errno: EPERM, text: refused },
        { errno: EACCES, text: refused },
        { errno: 0, text: `Cannot enter the instance ${name}: %e` },
      ],
    },
  ];
  if (plan.namespaces.includes("pid")) {
    out.push({
      op: { kind: "fork", init: 0, after: [], says: "" },
      faults: setupFault("cannot start a process"),
    });
  }
  processOps(out, plan, options);
  return out;
}
