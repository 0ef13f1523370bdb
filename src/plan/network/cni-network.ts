import { Fault } from "../../base/fault.ts";
import type { NetworkPlan } from "../plan.ts";
import type { NetworkArguments } from "./network-args.ts";
import type { NetworkFacts } from "./network-facts.ts";

/** One network for the helper: its chain, the name of its interface, and what to tell the plugins. */
export interface CniAttachment {
  readonly name: string;
  readonly cniVersion: string;
  readonly plugins: readonly Readonly<Record<string, unknown>>[];
  /** eth0 and up. */
  readonly interface: string;
  /** CNI_ARGS. */
  readonly args: string;
  /** By capability: portMappings, ipRanges. */
  readonly capabilities: Readonly<Record<string, unknown>>;
}

/** What the helper works on (`__network cni-add`, `cni-del`). */
export interface CniTask {
  readonly attachments: readonly CniAttachment[];
  readonly pluginPath: readonly string[];
}

/**
 * Networks of CNI plugins, which only root can connect. The first is eth0, the next eth1.
 *
 * @throws Fault `not-found` for a network that is not configured, `missing-tool` for a plugin.
 */
export function cniNetwork(
  names: readonly string[],
  args: ReadonlyMap<string, NetworkArguments>,
  facts: NetworkFacts,
  why: string,
): NetworkPlan {
  const attachments = names.map((name, at): CniAttachment => {
    const network = facts.networks.find((one) => one.name === name);
    if (network === undefined) {
      const known = [...new Set(facts.networks.map((one) => one.name))].join(", ");
      throw new Fault(
        "not-found",
        `Cannot set up network "${name}": no network of that name is configured`,
        {
          hint: `known are none, ${known}`,
        },
      );
    }
    for (const type of network.plugins.flatMap(programsOf)) {
      if (facts.hasPlugin(type)) continue;
      throw new Fault(
        "missing-tool",
        `Cannot set up network "${name}": the plugin ${type} is not in ${facts.pluginPath.join(", ")}`,
        { hint: "install the package containernetworking-plugins, or set cni plugin path" },
      );
    }
    const own = args.get(name) ?? { ports: [], ipRanges: [], pairs: [] };
    checkPorts(network, own);
    return {
      name,
      cniVersion: network.cniVersion,
      plugins: network.plugins,
      interface: `eth${at}`,
      args: argumentsText(own),
      capabilities: {
        ...(own.ports.length === 0 ? {} : { portMappings: own.ports }),
        ...(own.ipRanges.length === 0
          ? {}
          : { ipRanges: [own.ipRanges.map((subnet) => ({ subnet }))] }),
      },
    };
  });
  const task = JSON.stringify({ attachments, pluginPath: facts.pluginPath } satisfies CniTask);
  const call = (verb: string): string[] => [
    facts.self,
    "__network",
    verb,
    escapePercents(task),
    "%p",
    "%n",
  ];
  return {
    kind: "helper",
    name: names.join(", "),
    ports: [...args.values()].flatMap((one) => one.ports),
    setup: call("cni-add"),
    teardown: call("cni-del"),
    nameservers: [],
    why,
  };
}

/** The starter fills in what follows a percent sign. */
function escapePercents(text: string): string {
  return text.replaceAll("%", "%%");
}

/** The plugin's program and that of its address management. */
function programsOf(plugin: Readonly<Record<string, unknown>>): string[] {
  const { type, ipam } = plugin;
  const inner =
    typeof ipam === "object" && ipam !== null && "type" in ipam ? [String(ipam.type)] : [];
  return [String(type), ...inner];
}

function checkPorts(network: NetworkFacts["networks"][number], { ports }: NetworkArguments): void {
  const maps = network.plugins.some((plugin) => {
    const { capabilities } = plugin;
    return (
      typeof capabilities === "object" && capabilities !== null && "portMappings" in capabilities
    );
  });
  if (ports.length === 0 || maps) return;
  throw new Fault(
    "usage",
    `Cannot map ports of network "${network.name}": it has no plugin for that`,
    {
      exitCode: 255,
      hint: "use bridge or ptp, or add the plugin portmap to its configuration",
    },
  );
}

/** A plugin refuses words that it does not know unless told otherwise. */
function argumentsText({ pairs }: NetworkArguments): string {
  if (pairs.length === 0) return "";
  const hardware = pairs.find(([key]) => key === "HWADDR");
  const all = hardware === undefined ? pairs : [...pairs, ["MAC", hardware[1]] as const];
  return ["IgnoreUnknown=1", ...all.map(([key, value]) => `${key}=${value}`)].join(";");
}
