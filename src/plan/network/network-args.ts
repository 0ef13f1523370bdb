import { Fault } from "../../base/fault.ts";

/** A port of the host that leads into the container. */
export interface PortMapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: "tcp" | "udp";
}

/** What `--network-args` says for one network. */
export interface NetworkArguments {
  readonly ports: readonly PortMapping[];
  /** Subnets in CIDR form to take the address from. */
  readonly ipRanges: readonly string[];
  /** Everything else, for the plugins: IP, GATEWAY, HWADDR and what they know besides. */
  readonly pairs: readonly (readonly [string, string])[];
}

/**
 * The words of `--network-args`, `[NETWORK:]key=value[;key=value…]`, by network; without a name they
 * are for the first (reference: runtime.md section 7).
 *
 * @throws Fault for a word that is none, or names a network that is not asked for.
 */
export function parseNetworkArgs(
  words: readonly string[],
  networks: readonly string[],
): ReadonlyMap<string, NetworkArguments> {
  const found = new Map<
    string,
    { ports: PortMapping[]; ipRanges: string[]; pairs: [string, string][] }
  >(networks.map((name) => [name, { ports: [], ipRanges: [], pairs: [] }]));
  for (const word of words) {
    const colon = word.indexOf(":");
    const isNamed = colon > 0 && (word.indexOf("=") < 0 || colon < word.indexOf("="));
    const name = isNamed ? word.slice(0, colon) : (networks[0] ?? "");
    const args = found.get(name);
    if (args === undefined) {
      throw bad(
        word,
        `the network ${name} is not among those of --network (${networks.join(", ")})`,
      );
    }
    for (const pair of (isNamed ? word.slice(colon + 1) : word).split(";")) {
      const equals = pair.indexOf("=");
      if (equals < 1) throw bad(word, `"${pair}" is not of the form key=value`);
      const [key, value] = [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()];
      if (key.toLowerCase() === "portmap") args.ports.push(portOf(value, word));
      else if (key === "ipRange") args.ipRanges.push(value);
      else args.pairs.push([key, value]);
    }
  }
  return found;
}

function portOf(value: string, word: string): PortMapping {
  const match = /^([0-9]{1,5})(?::([0-9]{1,5}))?\/(tcp|udp)$/.exec(value);
  const hostPort = Number(match?.[1]);
  const containerPort = Number(match?.[2] ?? match?.[1]);
  const isPort = (port: number): boolean => port > 0 && port < 65536;
  if (match === null || !isPort(hostPort) || !isPort(containerPort)) {
    throw bad(
      word,
      `"${value}" is no port mapping: it must be of the form portmap=hostPort:containerPort/protocol, with tcp or udp`,
    );
  }
  return { hostPort, containerPort, protocol: match[3] as "tcp" | "udp" };
}

function bad(word: string, why: string): Fault {
  return new Fault("usage", `Cannot use --network-args ${word}: ${why}`, { exitCode: 255 });
}
