import type { Key } from "openpgp";
import { Fault } from "../../base/fault.ts";
import { hasKey } from "../../trust/pgp/find-keys.ts";
import { readKeyFile } from "../../trust/pgp/key-ring.ts";
import type { HttpClient } from "../http/client.ts";
import { discoverService, remoteUrl } from "../library/discover.ts";
import type { RemoteList } from "../library/remotes.ts";
import { getFromAny, KeyServerClient } from "./client.ts";
import { configuredServers, loginOf, serversOf } from "./servers.ts";

/** What says which servers to ask. */
export interface KeyServerChoice {
  readonly http: HttpClient;
  /** Services of the user and the system. */
  readonly services: RemoteList;
  /** `--url`; "" when not given. */
  readonly url: string;
}

/** In the order in which they are asked. */
export type KeyServers = readonly [KeyServerClient, ...KeyServerClient[]];

/**
 * The key servers to ask, in order: that of `--url`, else those of the service in use. Throws a Fault
 * when there is none.
 */
export async function findKeyServers(choice: KeyServerChoice): Promise<KeyServers> {
  const { http, services, url } = choice;
  const clientOf = (uri: string, token = ""): KeyServerClient =>
    new KeyServerClient(http, {
      uri,
      authorization: token === "" ? loginOf(services, uri) : `Bearer ${token}`,
    });
  if (url !== "") return [clientOf(url)];
  const remote = services.remotes.get(services.active);
  if (remote === undefined) throw noServer("no service is in use");
  let servers = serversOf(remote);
  if (servers.length === 0 && configuredServers(remote) === undefined) {
    const own = (await discoverService(http, remoteUrl(remote))).get("keyserver");
    servers = serversOf(remote, own);
  }
  // The service's token is for its own server only.
  const [first, ...more] = servers
    .filter((one) => !one.isSkipped)
    .map((one) => clientOf(one.uri, one.isExternal ? "" : remote.token));
  if (first === undefined) throw noServer(`"${services.active}" has none`);
  return [first, ...more];
}

/** Whether somebody has put key servers into the list of the service in use. */
export function hasConfiguredServers(services: RemoteList): boolean {
  const remote = services.remotes.get(services.active);
  return remote !== undefined && configuredServers(remote) !== undefined;
}

/** Keys that the servers have for a key id or fingerprint; the answer is checked to be about it. */
export async function fetchKeys(
  clients: readonly KeyServerClient[],
  id: string,
): Promise<readonly Key[]> {
  const armored = await getFromAny(clients, id);
  if (armored === undefined) return [];
  const keys = await readKeyFile(new TextEncoder().encode(armored));
  const asked = id.toLowerCase();
  return keys
    .map((key) => key.toPublic())
    .filter((key) => {
      const fingerprints = [key, ...key.subkeys].map((one) => one.getFingerprint().toLowerCase());
      return hasKey(key, asked) || fingerprints.some((one) => one.endsWith(asked));
    });
}

function noServer(why: string): Fault {
  return new Fault("unsupported", `There is no key server to ask: ${why}`, {
    hint: "name one with --url, or add one with keyserver add",
  });
}
