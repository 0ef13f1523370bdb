import { Fault } from "../../base/fault.ts";
import type { Remote, RemoteList } from "../library/remotes.ts";
import { keyServerUrl } from "./address.ts";

/** A key server of a service, as the list of services has it (the peer's remote.yaml). */
export interface KeyServer {
  readonly uri: string;
  readonly isSkipped: boolean;
  /** Added by `keyserver add`: not the service's own. */
  readonly isExternal: boolean;
  readonly isInsecure: boolean;
}

/** What a user logged in with at a server. */
export interface KeyServerLogin {
  readonly uri: string;
  /** Value of the header: `Basic …` or `Bearer …`. */
  readonly authorization: string;
}

type Table = Readonly<Record<string, unknown>>;

/** The key server that the peers' default service comes with. */
const DEFAULT_SERVER: KeyServer = {
  uri: "https://keys.openpgp.org",
  isSkipped: false,
  isExternal: false,
  isInsecure: false,
};
const DEFAULT_SERVICE = "cloud.apptainer.org";

/** Key servers that were configured for a service, in order of priority; undefined when none ever was. */
export function configuredServers(remote: Remote): readonly KeyServer[] | undefined {
  const list = remote.rest["Keyservers"];
  if (!Array.isArray(list)) return undefined;
  return (list as unknown[]).map(tableOf).map((one) => ({
    uri: String(one["URI"] ?? ""),
    isSkipped: one["Skip"] === true,
    isExternal: one["External"] === true,
    isInsecure: one["Insecure"] === true,
  }));
}

/** The same, or what the service has without any configuration. `own`: address of the service's own server, where it was asked. */
export function serversOf(remote: Remote, own?: string): readonly KeyServer[] {
  const configured = configuredServers(remote);
  if (configured !== undefined) return configured;
  if (own !== undefined) return [{ ...DEFAULT_SERVER, uri: own }];
  return remote.uri === DEFAULT_SERVICE ? [DEFAULT_SERVER] : [];
}

/** The service with one server more, at position `order` from 1, or at the end for 0. Throws a Fault when it is there. */
export function addServer(
  remote: Remote,
  server: { readonly uri: string; readonly isInsecure: boolean },
  order: number,
): Remote {
  const servers = [...serversOf(remote)];
  const url = keyServerUrl(server.uri);
  const known = servers.findIndex((one) => isSame(one, url));
  if (known >= 0 && servers[known]?.isSkipped !== true) {
    throw new Fault("exists", `${server.uri} is already configured`);
  }
  if (order > servers.length + 1) {
    throw new Fault("usage", `order is out of range: there are ${servers.length} key servers`, {
      exitCode: 255,
    });
  }
  const old = known < 0 ? undefined : servers.splice(known, 1)[0];
  const added = { isExternal: true, ...old, ...server, isSkipped: false };
  servers.splice(order === 0 ? servers.length : order - 1, 0, added);
  return withServers(remote, servers);
}

/** The service without a server; its own is kept as skipped. Throws a Fault when it is not there. */
export function removeServer(remote: Remote, uri: string): Remote {
  const url = keyServerUrl(uri);
  const servers = serversOf(remote);
  const found = servers.find((one) => isSame(one, url) && !one.isSkipped);
  if (found === undefined) throw new Fault("not-found", `keyserver ${uri} is not configured`);
  if (servers.filter((one) => !one.isSkipped).length === 1) {
    throw new Fault("denied", `the primary keyserver ${uri} can't be removed`, {
      hint: "add another one first",
    });
  }
  const left = found.isExternal
    ? servers.filter((one) => one !== found)
    : servers.map((one) => (one === found ? { ...one, isSkipped: true } : one));
  return withServers(remote, left);
}

/** What to log in with at a server, from the user's list; undefined when not logged in. */
export function loginOf(list: RemoteList, uri: string): string | undefined {
  const url = keyServerUrl(uri);
  return logins(list).find((one) => keyServerUrl(one.uri) === url)?.authorization;
}

/** The list with that login; without `authorization` with none for the server. */
export function withLogin(
  list: RemoteList,
  uri: string,
  authorization: string | undefined,
): RemoteList {
  const url = keyServerUrl(uri);
  const others = credentials(list).filter(
    (one) => typeof one["URI"] !== "string" || !isAt(one["URI"], url),
  );
  const own =
    authorization === undefined ? [] : [{ URI: uri, Auth: authorization, Insecure: false }];
  return { ...list, rest: { ...list.rest, Credentials: [...others, ...own] } };
}

function logins(list: RemoteList): readonly KeyServerLogin[] {
  return credentials(list).flatMap(({ URI, Auth }) =>
    typeof URI === "string" && typeof Auth === "string" && /^(https?|hkps?):\/\/./.test(URI)
      ? [{ uri: URI, authorization: Auth }]
      : [],
  );
}

function credentials(list: RemoteList): readonly Table[] {
  const found = list.rest["Credentials"];
  return Array.isArray(found) ? (found as unknown[]).map(tableOf) : [];
}

function withServers(remote: Remote, servers: readonly KeyServer[]): Remote {
  const Keyservers = servers.map((one) => ({
    URI: one.uri,
    Skip: one.isSkipped,
    External: one.isExternal,
    Insecure: one.isInsecure,
  }));
  return { ...remote, rest: { ...remote.rest, Keyservers } };
}

function isSame(server: KeyServer, url: string): boolean {
  return isAt(server.uri, url);
}

function isAt(text: string, url: string): boolean {
  try {
    return keyServerUrl(text) === url;
  } catch {
    // An entry of another kind, such as a registry's.
    return false;
  }
}

function tableOf(value: unknown): Table {
  return typeof value === "object" && value !== null ? (value as Table) : {};
}
