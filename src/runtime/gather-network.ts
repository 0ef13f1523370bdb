import { decodeOsText } from "../base/os-text.ts";
import { CNI_PLUGIN_PLACES } from "../host/cni-places.ts";
import { readHostText } from "../host/read-text.ts";
import type { Config } from "../plan/config.ts";
import type { HostFacts } from "../plan/facts.ts";
import { type CniNetwork, parseCniConfig } from "../plan/network/cni-config.ts";
import type { NetworkFacts } from "../plan/network/network-facts.ts";
import { planNetwork } from "../plan/network/plan-network.ts";
import { STANDARD_NETWORKS } from "../plan/network/standard-networks.ts";
import type { NetworkPlan, Notice } from "../plan/plan.ts";
import type { LaunchRequest } from "../plan/request.ts";
import { installPrefix, ownBinary } from "./installed.ts";

/** The network that a launch asks for; undefined: none, or an empty one. */
export function gatherNetwork(
  request: LaunchRequest,
  config: Config,
  host: HostFacts,
  notices: Notice[],
): NetworkPlan | undefined {
  return planNetwork(request, config, host, networkFacts(config, host), notices);
}

function networkFacts(config: Config, host: HostFacts): NetworkFacts {
  const pluginPath = pluginDirectories(config);
  return {
    networks: host.isRealRoot ? configuredNetworks(config, host) : [],
    pluginPath,
    hasPlugin: (type) => pluginPath.some((dir) => host.realPath(`${dir}/${type}`) !== undefined),
    pasta: host.tool("pasta"),
    slirp4netns: host.tool("slirp4netns"),
    nameservers: [...readHostText("/etc/resolv.conf").matchAll(/^\s*nameserver\s+(\S+)/gm)].map(
      ([, address = ""]) => address,
    ),
    self: ownBinary(),
  };
}

/** `PREFIX/WHERE` of an own prefix, and the usual places. */
function placesOf(own: string, ...others: string[]): string[] {
  const prefix = installPrefix();
  return prefix === "" || prefix === "/" || prefix === "/usr"
    ? others
    : [`${prefix}/${own}`, ...others];
}

function pluginDirectories({ values }: Config): readonly string[] {
  if (values.cniPluginPath !== "") return values.cniPluginPath.split(":");
  return placesOf("libexec/skiff/cni", ...CNI_PLUGIN_PLACES);
}

function configuredNetworks({ values }: Config, host: HostFacts): readonly CniNetwork[] {
  const { cniConfigurationPath: path } = values;
  const dirs =
    path !== ""
      ? [path]
      : placesOf(
          "etc/skiff/network",
          ...["/etc/skiff/network", "/etc/apptainer/network", "/etc/singularity/network"],
        );
  const found = dirs.flatMap((dir) =>
    (host.files.list(dir) ?? [])
      .filter((name) => /\.(conflist|conf|json)$/.test(name))
      .flatMap((name): CniNetwork[] => {
        const real = host.realPath(`${dir}/${name}`);
        const bytes = real === undefined ? undefined : host.files.read(real);
        return bytes === undefined ? [] : [parseCniConfig(decodeOsText(bytes), `${dir}/${name}`)];
      }),
  );
  return [...found, ...STANDARD_NETWORKS];
}
