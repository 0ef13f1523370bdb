import { Fault } from "../base/fault.ts";
import type { Invocation } from "../cli/invocation.ts";
import { gpuFacts } from "../host/gpu-facts.ts";
import type { Config } from "../plan/config.ts";
import type { HostFacts, ImageFacts } from "../plan/facts.ts";
import { planGpu } from "../plan/gpu/plan-gpu.ts";
import type { GpuBinds } from "../plan/gpu-binds.ts";
import { planNamespaces } from "../plan/namespaces.ts";
import type { Notice } from "../plan/plan.ts";
import type { LaunchRequest } from "../plan/request.ts";
import { installPrefix } from "./installed.ts";

/** Host files for --nv, --rocm and --device, or what the configuration always asks for. */
export async function gatherGpu(
  inv: Invocation,
  request: LaunchRequest,
  config: Config,
  host: HostFacts,
  image: ImageFacts,
  notices: Notice[],
): Promise<GpuBinds> {
  const asked = (flag: string, always: boolean, directive: string): string | undefined => {
    if (inv.bool(flag)) return `--${flag}`;
    return always && !inv.bool(`no-${flag}`) ? `${directive} = yes` : undefined;
  };
  const { alwaysUseNv, alwaysUseRocm, useNvidiaContainerCli } = config.values;
  const nv = asked("nv", alwaysUseNv, "always use nv");
  const rocm = asked("rocm", alwaysUseRocm, "always use rocm");
  const devices = inv.strings("device");
  const facts = gpuFacts({
    host,
    tree: image.tree,
    configFile: config.file,
    prefix: installPrefix(),
    cdiDirectories: inv.strings("cdi-dirs"),
  });
  const byTool = inv.bool("nvccli")
    ? "--nvccli"
    : nv !== undefined && useNvidiaContainerCli
      ? "use nvidia-container-cli = yes"
      : undefined;
  if (byTool !== undefined && request.oci === true) {
    throw new Fault("usage", `Cannot use ${byTool} with --oci: an OCI runtime sets the root up`, {
      exitCode: 255,
      hint: "use --nv, or --device nvidia.com/gpu=all",
    });
  }
  const nvidiaCli =
    byTool === undefined
      ? undefined
      : {
          why: byTool,
          contain: request.contain,
          userNamespace: planNamespaces(request, config, host, []).user,
        };
  const planned = planGpu(
    { nv, nvidiaCli, rocm, devices, writable: inv.bool("writable") },
    host,
    facts,
  );
  notices.push(...planned.notices);
  return planned.binds;
}
