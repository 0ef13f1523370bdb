import { Fault } from "../../base/fault.ts";
import { resolvePath } from "../../base/path.ts";
import type { Config } from "../config.ts";
import type { HostFacts } from "../facts.ts";
import type { NetworkPlan, Notice } from "../plan.ts";
import type { LaunchRequest } from "../request.ts";
import { cniNetwork } from "./cni-network.ts";
import { parseNetworkArgs } from "./network-args.ts";
import type { NetworkFacts } from "./network-facts.ts";
import { userNetwork } from "./user-network.ts";

const USER_TOOLS = ["pasta", "slirp4netns"];
/** What a fake root gets for these is what its user can have. */
const FAKEROOT_NETWORKS = ["fakeroot", ...USER_TOOLS];

/**
 * The network of a launch that asks for more than an empty one (reference: runtime.md section 7):
 * one to join, CNI networks for root, pasta or slirp4netns for users.
 *
 * @throws Fault for what this caller may not have, with the directive that would allow it.
 */
export function planNetwork(
  request: LaunchRequest,
  config: Config,
  host: HostFacts,
  facts: NetworkFacts,
  notices: Notice[],
): NetworkPlan | undefined {
  const isAsked = request.net || request.network !== undefined || request.networkArgs.length > 0;
  if (request.netnsPath !== undefined) return joined(request, config, host, isAsked);
  if (!isAsked || request.network === "none") return undefined;
  const flag = request.network === undefined ? (request.net ? "net" : "network-args") : "network";
  const why = request.origins[flag] ?? `--${flag}`;
  const names = (request.network ?? "bridge").split(",").map((name) => name.trim());
  const isRepeated = new Set(names).size < names.length;
  if (isRepeated || names.includes("") || names.includes("none")) {
    throw new Fault(
      "usage",
      `Cannot use --network ${request.network}: name each network once, none alone`,
      {
        exitCode: 255,
      },
    );
  }
  const args = parseNetworkArgs(request.networkArgs, names);
  if (host.isRealRoot && !names.some((name) => USER_TOOLS.includes(name))) {
    return cniNetwork(names, args, facts, why);
  }
  const [name = ""] = names;
  const own = args.get(name) ?? { ports: [], ipRanges: [], pairs: [] };
  if (names.length === 1 && (USER_TOOLS.includes(name) || request.network === undefined)) {
    if (host.isRealRoot) {
      throw new Fault("usage", `Cannot use --network ${name}: it is for ordinary users`, {
        exitCode: 255,
        hint: "use bridge or ptp as root",
      });
    }
    const found = userNetwork(request.network, own, facts, why);
    if (found !== undefined) return found;
  }
  if (request.fakeroot) return ofFakeroot(names, own, facts, why, notices);
  throw new Fault(
    "denied",
    `Cannot set up network "${names.join(",")}": network requires root or a suid installation with /etc/subuid --fakeroot; non-root users can only use --network=none unless permitted by the administrator`,
    {
      hint: `use --network none for loopback only, or --network pasta for one of your own${
        facts.pasta === undefined ? " (package passt)" : ""
      }; "allow net users" needs a setuid program, which skiff has not`,
    },
  );
}

function ofFakeroot(
  names: readonly string[],
  args: Parameters<typeof userNetwork>[1],
  facts: NetworkFacts,
  why: string,
  notices: Notice[],
): NetworkPlan | undefined {
  const [name = ""] = names;
  const found =
    names.length === 1 && FAKEROOT_NETWORKS.includes(name)
      ? userNetwork(undefined, args, facts, why)
      : undefined;
  if (found !== undefined) return found;
  notices.push({
    level: "warning",
    text: `fakeroot cannot set up network "${names.join(",")}" without a privileged installation, falling back to "none"`,
  });
  return undefined;
}

function joined(
  request: LaunchRequest,
  config: Config,
  host: HostFacts,
  isAsked: boolean,
): NetworkPlan {
  const given = request.netnsPath ?? "";
  if (isAsked) {
    throw new Fault("usage", `Cannot use --netns-path ${given} together with --net or --network`, {
      exitCode: 255,
      hint: "join a network namespace, or make a new one",
    });
  }
  const path = resolvePath(host.cwd ?? "/", given);
  // Not followed: a link of /proc/PID/ns leads to no path.
  if (host.files.lstat(path) === undefined && host.realPath(path) === undefined) {
    throw new Fault("not-found", `Cannot join the network namespace "${given}": no such file`);
  }
  if (!host.isRealRoot) checkAllowed(path, config, host);
  return { kind: "join", path, why: request.origins["netns-path"] ?? "--netns-path" };
}

/** The configuration's lists for users; the kernel then has its own say. */
function checkAllowed(path: string, { values, file }: Config, host: HostFacts): void {
  const names = [host.gid, ...host.groups].flatMap((gid) => [String(gid), host.groupName(gid)]);
  const isUser = [host.account?.name, String(host.uid)].some(
    (name) => name !== undefined && values.allowNetUsers.includes(name),
  );
  const isMember = names.some((name) => name !== undefined && values.allowNetGroups.includes(name));
  const isPath = values.allowNetnsPaths.includes(path);
  if ((isUser || isMember) && isPath) return;
  const directive = isUser || isMember ? "allow netns paths" : "allow net users";
  throw new Fault(
    "denied",
    `Cannot join the network namespace "${path}": --netns-path requires root, or to be permitted by the administrator ("${directive}" in ${file ?? "the configuration"})`,
    { hint: "use --network none for a network namespace of your own" },
  );
}
