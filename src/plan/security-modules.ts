import { Fault } from "../base/fault.ts";
import type { LabelPlan } from "./plan.ts";

/** Which security modules of the kernel are in force. */
export interface SecurityModules {
  readonly apparmor: boolean;
  readonly selinux: boolean;
}

/**
 * The AppArmor profile or SELinux context that `--security` asks for (reference: runtime.md section 6).
 *
 * @throws Fault when the kernel has no such module, or both are asked for.
 */
export function planLabel(
  words: readonly string[],
  modules: SecurityModules,
  why: string,
): LabelPlan | undefined {
  const labels = words.flatMap((word): LabelPlan[] => {
    const at = word.indexOf(":");
    const module = word.slice(0, at);
    if (module !== "apparmor" && module !== "selinux") return [];
    return [{ module, label: word.slice(at + 1), why }];
  });
  const [first, second] = labels;
  if (labels.some((label) => label.module !== first?.module)) {
    throw new Fault("usage", "Cannot use --security: apparmor and selinux exclude each other", {
      exitCode: 255,
      hint: "give one of the two",
    });
  }
  const label = second ?? first;
  if (label === undefined) return undefined;
  if (!modules[label.module]) {
    const name = label.module === "apparmor" ? "AppArmor" : "SELinux";
    throw new Fault(
      "unsupported",
      `${label.module} requested, but is not enabled or supported on this system: the kernel runs without ${name}`,
      { hint: `leave --security ${label.module} out` },
    );
  }
  if (label.label === "" || label.label.includes("\n")) {
    throw new Fault(
      "usage",
      `Cannot use --security ${label.module}: a name must follow the colon`,
      {
        exitCode: 255,
      },
    );
  }
  return label;
}
