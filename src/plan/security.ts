import { ALL_CAPABILITIES, dropBits, joinBits, parseCapabilities } from "./capabilities.ts";
import type { Config } from "./config.ts";
import type { LaunchControls } from "./controls.ts";
import type { HostFacts } from "./facts.ts";
import type { IdentityPlan, Notice, SecurityPlan } from "./plan.ts";
import type { LaunchRequest } from "./request.ts";

/**
 * Capabilities and no-new-privileges of the program (reference: runtime.md section 6). Users get
 * none, a fake root all of its namespace, a real root what `root default capabilities` says;
 * `--add-caps` and `--drop-caps` apply to all of them.
 */
export function planSecurity(
  request: LaunchRequest,
  config: Config,
  host: HostFacts,
  identity: IdentityPlan,
  controls: LaunchControls,
  notices: Notice[],
): SecurityPlan {
  const add = capabilityFlag("add", request.addCaps, notices);
  const drop = capabilityFlag("drop", request.dropCaps, notices);

  let mask = 0;
  let why = "an ordinary user has no capabilities in the container";
  if (identity.uidMap === "") {
    const full = config.values.rootDefaultCapabilities === "full" || request.keepPrivs;
    mask = request.noPrivs ? 0 : full ? ALL_CAPABILITIES : (controls.rootCapabilities ?? 0);
    why = request.noPrivs
      ? "--no-privs"
      : request.keepPrivs
        ? "--keep-privs"
        : `root default capabilities = ${config.values.rootDefaultCapabilities}`;
    if (becomesAnother(identity)) {
      mask = 0;
      why = "--security uid, gid";
    }
  } else if (request.fakeroot || (host.isRealRoot && identity.uid === 0)) {
    mask = request.noPrivs ? 0 : ALL_CAPABILITIES;
    why = request.noPrivs ? "--no-privs" : "root of its own user namespace";
    if (becomesAnother(identity)) {
      mask = 0;
      why = "--security uid, gid";
    }
  }
  mask = dropBits(joinBits(mask, add), drop);
  return {
    effective: mask,
    bounding: mask,
    ambient: mask,
    noNewPrivs: !host.isRealRoot || mask !== ALL_CAPABILITIES,
    seccomp: controls.seccomp,
    label: controls.label,
    why,
  };
}

/** Of a program in a running instance: what the instance has, changed by `--add-caps` and `--drop-caps`. */
export function joinedSecurity(
  instance: SecurityPlan,
  request: LaunchRequest,
  notices: Notice[],
): SecurityPlan {
  const add = capabilityFlag("add", request.addCaps, notices);
  const drop = capabilityFlag("drop", request.dropCaps, notices);
  const mask = dropBits(joinBits(instance.effective, add), drop);
  if (mask === instance.effective) return instance;
  return {
    ...instance,
    effective: mask,
    bounding: mask,
    ambient: mask,
    noNewPrivs: instance.noNewPrivs || mask !== ALL_CAPABILITIES,
    why: "the instance's, then --add-caps and --drop-caps",
  };
}

/** Whether root takes another user's ids, or another group's. */
function becomesAnother({ become }: IdentityPlan): boolean {
  return become !== undefined && (become.uid !== 0 || become.gid !== 0);
}

function capabilityFlag(verb: string, list: string | undefined, notices: Notice[]): number {
  if (list === undefined) return 0;
  const { mask, unknown } = parseCapabilities(list);
  for (const name of unknown) {
    notices.push({
      level: "warning",
      text: `Cannot ${verb} unknown capability "${name}", ignoring it`,
    });
  }
  return mask;
}
