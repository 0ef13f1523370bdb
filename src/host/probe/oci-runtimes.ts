import { installLine } from "./_packages.ts";
import { describeTool, toolVersion } from "./_version.ts";
import type { Check, ProbeInput } from "./check.ts";

/** crun or runc, which the oci commands and Kubernetes pods need. */
export async function probeOciRuntimes(input: ProbeInput): Promise<readonly Check[]> {
  const base = { id: "tools.oci-runtime", name: "crun or runc" };
  const [crun, runc] = await Promise.all([toolVersion(input, "crun"), toolVersion(input, "runc")]);
  const best = crun ?? runc;
  if (best === undefined) {
    const means = "the oci commands do not work; exec, run and shell do without";
    return [
      { ...base, state: "limited", found: "not installed", means, remedy: installLine("crun") },
    ];
  }
  return [
    {
      ...base,
      state: "ok",
      found: `${crun === undefined ? "runc" : "crun"} ${describeTool(best)}`,
    },
  ];
}
