import { Fault } from "../../base/fault.ts";
import type { NetworkPlan } from "../plan.ts";
import type { NetworkArguments, PortMapping } from "./network-args.ts";
import type { NetworkFacts } from "./network-facts.ts";

/** Where queries for names go that the host answers itself, on an address that no network has. */
const PASTA_NAMESERVER = "169.254.1.1";
const SLIRP_NAMESERVER = "10.0.2.3";

/** What the helper starts slirp4netns with (`__network slirp`). */
export interface SlirpTask {
  readonly tool: string;
  readonly options: readonly string[];
  readonly ports: readonly PortMapping[];
}

/**
 * A network that an ordinary user connects: pasta, else slirp4netns, copies what the container sends
 * to sockets of the caller's. Ports come in only where they are mapped.
 *
 * @param name "pasta" or "slirp4netns"; absent: what is installed.
 * @throws Fault `missing-tool` when it is not, `usage` for an argument that it has no option for.
 */
export function userNetwork(
  name: string | undefined,
  args: NetworkArguments,
  facts: NetworkFacts,
  why: string,
): NetworkPlan | undefined {
  const { pasta, slirp4netns } = facts;
  if (name !== "slirp4netns" && pasta !== undefined) return pastaPlan(pasta, args, facts, why);
  if (name !== "pasta" && slirp4netns !== undefined)
    return slirpPlan(slirp4netns, args, facts, why);
  if (name === undefined) return undefined;
  throw new Fault("missing-tool", `Cannot connect the network: ${name} is not installed`, {
    hint: `install the package ${name === "pasta" ? "passt" : name}`,
  });
}

function pastaPlan(
  tool: string,
  args: NetworkArguments,
  facts: NetworkFacts,
  why: string,
): NetworkPlan {
  const isLocal = (address: string): boolean => /^(127\.|::1$|0\.0\.0\.0$)/.test(address);
  const forwards = facts.nameservers.length > 0 && facts.nameservers.every(isLocal);
  const ports = (protocol: "tcp" | "udp", option: string): string[] => {
    const mapped = args.ports.filter((port) => port.protocol === protocol);
    if (mapped.length === 0) return [option, "none"];
    return mapped.flatMap((port) => [option, `${port.hostPort}:${port.containerPort}`]);
  };
  const options: Readonly<Record<string, string>> = {
    IP: "--address",
    GATEWAY: "--gateway",
    HWADDR: "--ns-mac-addr",
    MAC: "--ns-mac-addr",
  };
  return {
    kind: "helper",
    name: "pasta",
    ports: args.ports,
    // Nothing of the host's loopback may be reached but by a mapped port.
    setup: [
      ...[tool, "--config-net", "--quiet", ...ports("tcp", "-t"), ...ports("udp", "-u")],
      ...["-T", "none", "-U", "none", "--no-map-gw"],
      ...(forwards ? ["--dns-forward", PASTA_NAMESERVER] : []),
      ...args.pairs.flatMap(([key, value]) => [optionOf(options, key, "pasta"), value]),
      "%p",
    ],
    teardown: [],
    nameservers: forwards ? [PASTA_NAMESERVER] : [],
    why,
  };
}

function slirpPlan(
  tool: string,
  args: NetworkArguments,
  facts: NetworkFacts,
  why: string,
): NetworkPlan {
  const options = { HWADDR: "--macaddress", MAC: "--macaddress" };
  const more = args.pairs.map(
    ([key, value]) => `${optionOf(options, key, "slirp4netns")}=${value}`,
  );
  const task = JSON.stringify({ tool, options: more, ports: args.ports } satisfies SlirpTask);
  return {
    kind: "helper",
    name: "slirp4netns",
    ports: args.ports,
    setup: [...[facts.self, "__network", "slirp", task.replaceAll("%", "%%")], "%p"],
    teardown: [],
    nameservers: [SLIRP_NAMESERVER],
    why,
  };
}

function optionOf(options: Readonly<Record<string, string>>, key: string, tool: string): string {
  const option = options[key.toUpperCase()];
  if (option !== undefined) return option;
  throw new Fault("usage", `Cannot use --network-args ${key}=…: ${tool} has no such option`, {
    exitCode: 255,
    hint: `known are portmap, ${Object.keys(options).join(", ")}`,
  });
}
