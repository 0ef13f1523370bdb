import type { CniNetwork } from "./cni-config.ts";

const DEFAULT_ROUTE = [{ dst: "0.0.0.0/0" }];
const CONNECTED = [
  { type: "firewall" },
  { type: "portmap", capabilities: { portMappings: true }, snat: true },
];
const STATIC_ADDRESS = {
  type: "static",
  addresses: [{ address: "192.168.1.1/24", gateway: "192.168.1.254" }],
  routes: DEFAULT_ROUTE,
};

function network(
  name: string,
  ...plugins: readonly Readonly<Record<string, unknown>>[]
): CniNetwork {
  return { name, cniVersion: "1.0.0", plugins };
}

function local(subnet: string): Readonly<Record<string, unknown>> {
  return { type: "host-local", subnet, routes: DEFAULT_ROUTE };
}

/** The networks that are there without any configuration, as the peer's (reference: runtime.md section 7). */
export const STANDARD_NETWORKS: readonly CniNetwork[] = [
  network(
    "bridge",
    {
      ...{ type: "bridge", bridge: "sbr0", isGateway: true, ipMasq: true },
      ipam: local("10.22.0.0/16"),
    },
    ...CONNECTED,
  ),
  network("ptp", { type: "ptp", ipMasq: true, ipam: local("10.23.0.0/16") }, ...CONNECTED),
  network("ipvlan", { type: "ipvlan", master: "eth0", ipam: STATIC_ADDRESS }),
  network("macvlan", { type: "macvlan", master: "eth0", ipam: STATIC_ADDRESS }),
  network("fakeroot", { type: "ptp", ipMasq: true, ipam: local("10.23.0.0/16") }, ...CONNECTED),
];
