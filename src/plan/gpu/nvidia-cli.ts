import { Fault } from "../../base/fault.ts";
import { joinBits, parseCapabilities } from "../capabilities.ts";
import type { HostFacts } from "../facts.ts";
import type { GpuBinds } from "../gpu-binds.ts";
import { NO_GPU } from "../gpu-binds.ts";
import type { Notice } from "../plan.ts";

const TOOL = "nvidia-container-cli";
/** What of the driver a program may ask for (NVIDIA_DRIVER_CAPABILITIES). */
const PARTS: readonly string[] = ["compute", "compat32", "graphics", "utility", "video", "display"];
/** What the tool needs to mount into the container and to run its ldconfig. */
const CAPABILITIES =
  "KILL,SETUID,SETGID,SYS_CHROOT,CHOWN,FOWNER,MKNOD,SYS_ADMIN,DAC_READ_SEARCH,SYS_PTRACE,DAC_OVERRIDE,SETPCAP";

/** What decides how the tool is called. */
export interface NvidiaCliRequest {
  /** What asked for it: "--nvccli" or a configuration line. */
  readonly why: string;
  readonly contain: boolean;
  /** The container gets a user namespace. */
  readonly userNamespace: boolean;
}

/**
 * `--nvccli`: nvidia-container-cli is to put the driver into the finished root (reference: runtime.md
 * section 8.2). It is steered by the caller's NVIDIA_* variables.
 *
 * @throws Fault when the tool is missing, not to be trusted, or asked for what it does not have.
 */
export function planNvidiaCli(
  { why, contain, userNamespace }: NvidiaCliRequest,
  host: HostFacts,
): { readonly binds: GpuBinds; readonly notices: readonly Notice[] } {
  const tool = toolPath(TOOL, why, host, userNamespace);
  const ldconfig = toolPath("ldconfig", why, host, userNamespace);
  const notices: Notice[] = [];
  const given = host.env["NVIDIA_VISIBLE_DEVICES"] ?? "";
  if (given === "" && contain) {
    const text =
      "When using nvidia-container-cli with --contain NVIDIA_VISIBLE_DEVICES must be set or no GPUs will be available in container.";
    notices.push({ level: "warning", text });
  }
  const devices = given === "" && !contain ? "all" : given;
  const argv = [
    ...[tool, ...(userNamespace ? ["--user"] : []), "configure", "--no-cgroups"],
    ...(devices === "" ? [] : [`--device=${devices}`]),
    ...flagOf("--mig-config", host.env["NVIDIA_MIG_CONFIG_DEVICES"]),
    ...flagOf("--mig-monitor", host.env["NVIDIA_MIG_MONITOR_DEVICES"]),
    ...partsOf(host.env["NVIDIA_DRIVER_CAPABILITIES"], why),
    ...requirements(host.env),
    `--ldconfig=@${ldconfig}`,
  ];
  const ambient = joinBits(0, parseCapabilities(CAPABILITIES).mask);
  const environment = devices === given ? [] : [{ name: "NVIDIA_VISIBLE_DEVICES", value: devices }];
  return { binds: { ...NO_GPU, environment, setup: { argv, ambient, why } }, notices };
}

/** A tool that may be run with the privileges of the launch: those of the host's root only where it is root's own. */
function toolPath(name: string, why: string, host: HostFacts, userNamespace: boolean): string {
  const path = host.tool(name);
  if (path === undefined) {
    throw new Fault("missing-tool", `Cannot use ${why}: ${name} is not installed`, {
      hint: "install it (package nvidia-container-toolkit), or use --nv, or --device nvidia.com/gpu=all",
    });
  }
  const real = host.realPath(path) ?? path;
  if (!userNamespace && host.files.lstat(real)?.uid !== 0) {
    throw new Fault("denied", `Cannot use ${why}: ${real} is not owned by root`, {
      hint: "as root only a program of root's own is run; use --nv",
    });
  }
  return path;
}

function flagOf(flag: string, value: string | undefined): readonly string[] {
  return value ? [`${flag}=${value}`] : [];
}

function partsOf(text: string | undefined, why: string): readonly string[] {
  const parts = text ? text.split(",") : ["compute", "utility"];
  const unknown = parts.find((part) => !PARTS.includes(part));
  if (unknown !== undefined) {
    throw new Fault(
      "invalid",
      `Cannot use ${why}: unknown NVIDIA_DRIVER_CAPABILITIES value: ${unknown}`,
      { hint: `use some of ${PARTS.join(", ")}` },
    );
  }
  return parts.map((part) => `--${part}`);
}

function requirements(env: HostFacts["env"]): readonly string[] {
  if (env["NVIDIA_DISABLE_REQUIRE"] !== undefined) return [];
  return Object.keys(env)
    .filter((name) => name.startsWith("NVIDIA_REQUIRE_"))
    .map((name) => `--require=${env[name] ?? ""}`);
}
