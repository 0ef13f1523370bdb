import {
  because,
  capabilityText,
  environmentLines,
  layOut,
  programLines,
  table,
} from "./explain.ts";
import type { JoinPlan } from "./join.ts";

/** A launch into a running instance in words, each line with its reason. */
export function explainJoin(plan: JoinPlan): string {
  const { instance, identity, security } = plan;
  const sections: [string, string[]][] = [
    [
      "Instance",
      table([
        [`${instance.name} of ${instance.image}`, ""],
        [`process ${instance.pid}`, because("its process 1, as this host knows it")],
      ]),
    ],
    ["Program", programLines(plan)],
    [
      "Identity",
      table([
        [`uid ${identity.uid}, gid ${identity.gid}`, because("that of the instance")],
        [capabilityText(security.effective), because(security.why)],
        [security.noNewPrivs ? "no new privileges" : "may gain privileges", ""],
      ]),
    ],
    ["Namespaces", table(plan.namespaces.map((name) => [`${name}: the instance's`, ""]))],
    ["Environment", environmentLines(plan)],
  ];
  if (plan.notices.length > 0) {
    sections.push(["Notices", plan.notices.map((n) => `${n.level}: ${n.text}`)]);
  }
  return layOut(sections);
}
