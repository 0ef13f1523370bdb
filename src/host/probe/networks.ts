import { CNI_PLUGIN_PLACES } from "../cni-places.ts";
import { access, R_OK, W_OK } from "../syscall.ts";
import { installLine } from "./_packages.ts";
import type { Check, ProbeInput } from "./check.ts";

/** What connects the network of a container: pasta or slirp4netns for users, CNI plugins for root. */
export async function probeNetworks({ host, config }: ProbeInput): Promise<readonly Check[]> {
  return [host.isRealRoot ? plugins(host, config) : userTool(host)];
}

function userTool(host: ProbeInput["host"]): Check {
  const base = { id: "networks", name: "networks of users" };
  const tool = host.tool("pasta") ?? host.tool("slirp4netns");
  const means =
    "--net gives loopback only (--network none); the host's network is there without it";
  if (tool === undefined) {
    return {
      ...base,
      state: "limited",
      found: "not installed",
      means,
      remedy: installLine("pasta"),
    };
  }
  if (access("/dev/net/tun", R_OK | W_OK) === 0) return { ...base, state: "ok", found: tool };
  return {
    ...base,
    state: "limited",
    found: `${tool}; /dev/net/tun cannot be opened`,
    means,
    remedy: "as root: chmod 666 /dev/net/tun",
  };
}

function plugins(host: ProbeInput["host"], { values }: ProbeInput["config"]): Check {
  const base = { id: "networks", name: "networks of root" };
  const dirs = values.cniPluginPath === "" ? CNI_PLUGIN_PLACES : values.cniPluginPath.split(":");
  const found = dirs.find((dir) => host.realPath(`${dir}/bridge`) !== undefined);
  if (found !== undefined) return { ...base, state: "ok", found };
  return {
    ...base,
    state: "limited",
    found: "no CNI plugins",
    means: "--net and --network NAME do not work, --network none does",
    remedy: installLine("containernetworking-plugins"),
  };
}
