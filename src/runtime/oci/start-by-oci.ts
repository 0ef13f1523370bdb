import { Fault } from "../../base/fault.ts";
import { decodeOsText } from "../../base/os-text.ts";
import { isWithin } from "../../base/path.ts";
import { ociSeccomp } from "../../format/seccomp/oci-profile.ts";
import { parseSeccompProfile } from "../../format/seccomp/profile.ts";
import { isTerminal } from "../../host/process-calls.ts";
import { lstat, rmdir } from "../../host/syscall.ts";
import { ALL_CAPABILITIES, CAPABILITIES, hasBit } from "../../plan/capabilities.ts";
import type { HostFacts } from "../../plan/facts.ts";
import { userRootIdentity } from "../../plan/identity.ts";
import { type LaunchBundle, launchSpec } from "../../plan/oci/launch-spec.ts";
import { lowerOci } from "../../plan/oci/lower-oci.ts";
import type { RuntimeSpec } from "../../plan/oci/runtime-spec.ts";
import type { IdentityPlan, MountFlag, Notice, Plan } from "../../plan/plan.ts";
import { becomeProgram, lowerOptions, type StartOptions, temporaryOps } from "../start.ts";
import { findLowLevel } from "./low-level.ts";

/**
 * `--oci`: crun or runc carries out the plan, in place of the starter's last steps. Never comes back.
 *
 * @throws Fault when neither is installed, or the plan cannot be said in its configuration.
 */
export async function startByOci(
  plan: Plan,
  host: HostFacts,
  options: StartOptions,
): Promise<never> {
  if (host.isRealRoot) sweepGroups(host);
  const facts = await lowerOptions(plan, host, options);
  const { path } = findLowLevel(host, "");
  const launch = { ...bundleOf(plan, host), runtime: path, id: `skiff-${process.pid}` };
  const ops = [...temporaryOps(host, options), ...lowerOci(plan, facts, launch)];
  const own = Object.entries(host.env).map(([name, value]) => ({ name, value, origin: "host" }));
  const environment = { kind: "direct", variables: own, output: [], notices: [] } as const;
  const rest = { exit: undefined, umask: undefined, arguments: undefined };
  return becomeProgram(ops, { ...environment, ...rest }, host, options);
}

/** The `config.json` that the plan becomes here, for people. */
export function explainSpec(plan: Plan, host: HostFacts): RuntimeSpec {
  return launchSpec(plan, { ...bundleOf(plan, host), base: "/tmp" });
}

function bundleOf(plan: Plan, host: HostFacts): Omit<LaunchBundle, "base"> {
  return {
    outer: outerIdentity(plan, host),
    terminal: isTerminal(0) && isTerminal(1),
    permitted: plan.namespaces.user ? ALL_CAPABILITIES : host.capabilities,
    flagsOf: (path) => flagsOf(path, host),
    ...seccompOf(plan, host),
  };
}

function seccompOf({ security }: Plan, host: HostFacts): { readonly seccomp?: unknown } {
  const { seccomp, bounding } = security;
  const bytes =
    seccomp === undefined ? undefined : host.files.read(host.realPath(seccomp.path) ?? "");
  if (bytes === undefined) return {};
  const profile = parseSeccompProfile(decodeOsText(bytes), {
    arch: host.arch,
    kernelVersion: host.kernelVersion,
    capabilities: new Set(CAPABILITIES.filter((_, bit) => hasBit(bounding, bit))),
  });
  return { seccomp: ociSeccomp(profile) };
}

/** Removes empty control groups of launches that were killed: the runtime makes them for root and had no time to. */
function sweepGroups(host: HostFacts): void {
  for (const { fstype, target } of host.mounts) {
    if (fstype !== "cgroup" && fstype !== "cgroup2") continue;
    for (const name of host.files.list(target) ?? []) {
      const pid = /^skiff-(\d+)$/.exec(name)?.[1];
      if (pid !== undefined && lstat(`/proc/${pid}`) === undefined) rmdir(`${target}/${name}`);
    }
  }
}

const LOCKED: readonly MountFlag[] = ["ro", "nosuid", "nodev", "noexec"];

function flagsOf(path: string, host: HostFacts): readonly MountFlag[] {
  const real = host.realPath(path) ?? path;
  const below = host.mounts.filter(({ target }) => isWithin(target, real));
  const mount = below.reduce<(typeof below)[number] | undefined>(
    (best, one) => (best === undefined || one.target.length >= best.target.length ? one : best),
    undefined,
  );
  return LOCKED.filter((flag) => mount?.options.includes(flag) === true);
}

/** The ids that the runtime has: root of the caller's sub-ids, as it needs more than one. */
function outerIdentity(plan: Plan, host: HostFacts): IdentityPlan | undefined {
  if (!plan.namespaces.user) return undefined;
  const notices: Notice[] = [];
  const outer = userRootIdentity(host, notices);
  if (plan.identity.uid === 0 || outer.newuidmap !== "") return outer;
  throw new Fault("unsupported", "Cannot use --oci: an OCI runtime needs sub-ids", {
    hint: "ask the administrator for an entry in /etc/subuid and /etc/subgid, or add --fakeroot",
  });
}
