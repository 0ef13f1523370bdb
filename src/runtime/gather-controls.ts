import { Fault } from "../base/fault.ts";
import { decodeOsText } from "../base/os-text.ts";
import { resolvePath } from "../base/path.ts";
import { grantedTo, parseGrants } from "../config/grants.ts";
import { compileSeccomp } from "../format/seccomp/compile.ts";
import { parseSeccompProfile } from "../format/seccomp/profile.ts";
import { readHostText } from "../host/read-text.ts";
import { CAPABILITIES, hasBit, parseCapabilities } from "../plan/capabilities.ts";
import type { Config } from "../plan/config.ts";
import type { LaunchControls } from "../plan/controls.ts";
import type { HostFacts } from "../plan/facts.ts";
import { planIdentity } from "../plan/identity.ts";
import { planNamespaces } from "../plan/namespaces.ts";
import type { Notice, SeccompPlan } from "../plan/plan.ts";
import type { LaunchRequest } from "../plan/request.ts";
import { planSecurity } from "../plan/security.ts";
import { planLabel } from "../plan/security-modules.ts";
import { gatherLimits } from "./gather-limits.ts";
import { gatherNetwork } from "./gather-network.ts";
import { grantsFile } from "./installed.ts";

/** Plans what few launches ask for: networks, limits, security profiles, grants of capabilities. */
export async function gatherControls(
  request: LaunchRequest,
  config: Config,
  host: HostFacts,
  notices: Notice[],
): Promise<LaunchControls> {
  const why = request.origins["security"] ?? "--security";
  const label = planLabel(request.security, securityModules(host), why);
  const rootCapabilities = grantedCapabilities(config, host);
  const seccomp = planSeccomp(request, config, host, rootCapabilities ?? 0);
  const network = gatherNetwork(request, config, host, notices);
  const limits = await gatherLimits(request, config, host, notices);
  return {
    ...(label === undefined ? {} : { label }),
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(network === undefined ? {} : { network }),
    ...(limits === undefined ? {} : { limits }),
    ...(rootCapabilities === undefined ? {} : { rootCapabilities }),
  };
}

function securityModules(host: HostFacts): { apparmor: boolean; selinux: boolean } {
  return {
    apparmor: readHostText("/sys/module/apparmor/parameters/enabled").startsWith("Y"),
    selinux: host.files.lstat("/sys/fs/selinux/enforce") !== undefined,
  };
}

/** What the table of grants gives root, where the configuration goes by it. */
function grantedCapabilities(config: Config, host: HostFacts): number | undefined {
  if (!host.isRealRoot || config.values.rootDefaultCapabilities !== "file") return undefined;
  const file = grantsFile(config.file);
  const names = grantedTo(parseGrants(readHostText(file), file), {
    user: host.account?.name ?? "root",
    groups: [host.gid, ...host.groups].flatMap((gid) => host.groupName(gid) ?? []),
  });
  return parseCapabilities(names.join(",")).mask;
}

function planSeccomp(
  request: LaunchRequest,
  config: Config,
  host: HostFacts,
  rootCapabilities: number,
): SeccompPlan | undefined {
  const word = request.security.findLast((one) => one.startsWith("seccomp:"));
  if (word === undefined) return undefined;
  const given = word.slice("seccomp:".length);
  const path = resolvePath(host.cwd ?? "/", given);
  const real = given === "" ? undefined : host.realPath(path);
  const bytes = real === undefined ? undefined : host.files.read(real);
  if (bytes === undefined) {
    throw new Fault(
      "not-found",
      `Cannot use --security ${word}: no such file, or it is not readable`,
      { hint: "give the path of a profile in Docker's JSON form" },
    );
  }
  // Which rules of a profile hold depends on the capabilities that the program will have.
  const { user } = planNamespaces(request, config, host, []);
  const identity = planIdentity(request, host, user, []);
  const { bounding } = planSecurity(request, config, host, identity, { rootCapabilities }, []);
  try {
    const profile = parseSeccompProfile(decodeOsText(bytes), {
      arch: host.arch,
      kernelVersion: host.kernelVersion,
      capabilities: new Set(CAPABILITIES.filter((_, bit) => hasBit(bounding, bit))),
    });
    return {
      path,
      filter: compileSeccomp(profile).toHex(),
      flags: profile.flags,
      why: request.origins["security"] ?? "--security",
    };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw new Fault(error.code, `Cannot use the seccomp profile "${path}": ${error.message}`, {
      hint: "see the profile that comes with Docker or podman for the form",
    });
  }
}
