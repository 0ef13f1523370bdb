import { Fault } from "../base/fault.ts";
import { hasBit } from "./capabilities.ts";
import type { Config } from "./config.ts";
import type { HostFacts } from "./facts.ts";
import type { NamespacePlan, Notice } from "./plan.ts";
import type { LaunchRequest } from "./request.ts";

const CAP_SYS_ADMIN = 21;

type Name = "user" | "pid" | "ipc" | "uts" | "net";

/**
 * Which namespaces are new besides the mount namespace, which always is (reference: runtime.md 5).
 * A namespace that the configuration forbids is dropped with a warning; a needed user namespace is
 * fatal.
 *
 * @throws Fault `denied` when a user namespace is needed and forbidden.
 */
export function planNamespaces(
  request: LaunchRequest,
  config: Config,
  host: HostFacts,
  notices: Notice[],
): NamespacePlan {
  const why: Partial<Record<Name, string>> = {};
  const origin = (option: string): string => request.origins[option] ?? `--${option}`;
  const { values } = config;

  const canMount = host.isRealRoot && hasBit(host.capabilities, CAP_SYS_ADMIN);
  const needsUser = !canMount || request.userns;
  if (needsUser) {
    why.user = request.userns
      ? origin("userns")
      : host.isRealRoot
        ? "root lacks CAP_SYS_ADMIN here"
        : "an ordinary user mounts only in a namespace of its own";
    if (!values.allowUserNs) {
      throw new Fault(
        "denied",
        `Cannot start the container: it needs a user namespace and the configuration forbids it ("allow user ns = no" in ${config.file ?? "the defaults"})`,
        { hint: "ask the administrator to allow user namespaces" },
      );
    }
  }

  const want = (name: Name, wanted: boolean, reason: string, allowed: boolean): boolean => {
    if (!wanted) return false;
    if (!allowed) {
      notices.push({
        level: "warning",
        text: `Not virtualizing ${name} namespace by configuration`,
      });
      return false;
    }
    why[name] = reason;
    return true;
  };

  const instance = request.instance === undefined ? undefined : "an instance";
  const boot = request.boot ? origin("boot") : undefined;
  const containAll = request.containAll ? origin("containall") : undefined;
  const pid = want(
    "pid",
    instance !== undefined ||
      ((request.pid || request.containAll || request.fusemounts.length > 0) && !request.noPid),
    instance ?? (request.pid ? origin("pid") : (containAll ?? origin("fusemount"))),
    values.allowPidNs,
  );
  const ipc = want(
    "ipc",
    request.ipc || request.containAll,
    request.ipc ? origin("ipc") : (containAll ?? ""),
    values.allowIpcNs,
  );
  const hostname = request.hostname !== undefined;
  const uts = want(
    "uts",
    request.uts || hostname || request.boot,
    boot ?? (request.uts ? origin("uts") : origin("hostname")),
    values.allowUtsNs,
  );
  const asksForNet = request.net || request.network !== undefined || request.networkArgs.length > 0;
  if (asksForNet) {
    why.net = request.net
      ? origin("net")
      : request.network
        ? origin("network")
        : origin("network-args");
  }
  return { user: needsUser, pid, ipc, uts, net: asksForNet, why };
}
