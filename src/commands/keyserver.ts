import { readFileSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { resolvePath } from "../base/path.ts";
import type { Invocation } from "../cli/invocation.ts";
import type { HostFacts } from "../plan/facts.ts";
import type { HttpClient } from "../registry/http/client.ts";
import { keyServerUrl } from "../registry/keyserver/address.ts";
import { KeyServerClient } from "../registry/keyserver/client.ts";
import {
  addServer,
  configuredServers,
  type KeyServer,
  removeServer,
  serversOf,
  withLogin,
} from "../registry/keyserver/servers.ts";
import { discoverService, remoteUrl } from "../registry/library/discover.ts";
import {
  mergeRemotes,
  type Remote,
  type RemoteList,
  readRemotes,
  readSystemRemotes,
  SYSTEM_FILES,
  writeRemotes,
} from "../registry/library/remotes.ts";
import { askSecret } from "../terminal/ask.ts";
import type { Context } from "../terminal/context.ts";
import { plainHost } from "./_key-rings.ts";
import { keyServerChoice } from "./_key-servers.ts";
import { ownServices } from "./_user-places.ts";

/** What one call of `keyserver` works on. */
interface Call {
  readonly inv: Invocation;
  readonly ctx: Context;
  readonly host: HostFacts;
  /** The user's own file. */
  readonly file: string;
}

/** `keyserver add|remove|list|login|logout`: which key servers are asked, and as whom. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const host = plainHost(ctx);
  const given = inv.group?.string("config") ?? "";
  const file = given === "" ? ownServices(ctx, host) : resolvePath(host.cwd ?? "/", given);
  const call: Call = { inv, ctx, host, file };
  const uri = inv.args.at(-1) ?? "";
  switch (inv.path[1]) {
    case "add":
      return change(call, (remote) => {
        const order = inv.int("order");
        if (order < 0 || (order === 0 && inv.isSet("order"))) {
          throw new Fault("usage", "order must be > 0", { exitCode: 255 });
        }
        return addServer(remote, { uri, isInsecure: inv.bool("insecure") }, order);
      });
    case "remove":
      return change(call, (remote) => removeServer(remote, uri));
    case "login":
      return await login(call, uri);
    case "logout":
      keyServerUrl(uri);
      save(call, (list) => withLogin(list, uri, undefined));
      ctx.log.info("Logout succeeded");
      return 0;
    default:
      return await list(call);
  }
}

/** Changes the key servers of a service in the list for all users. */
function change({ inv, host }: Call, edit: (remote: Remote) => Remote): number {
  if (host.uid !== 0) {
    throw new Fault(
      "denied",
      "Only root may change the key servers, which are those of all users",
      {
        hint: "name a server with --url instead",
      },
    );
  }
  const services = readSystemRemotes();
  const name = inv.args.length === 2 ? (inv.args[0] ?? "") : services.active;
  const remote = services.remotes.get(name);
  if (remote === undefined) throw noRemote(name);
  const remotes = new Map(services.remotes).set(name, edit(remote));
  writeRemotes(SYSTEM_FILES[0] ?? "", { ...services, remotes }, 0o644);
  return 0;
}

async function list({ inv, ctx, host, file }: Call): Promise<number> {
  const services = mergeRemotes(readSystemRemotes(), readRemotes(file));
  const [name] = inv.args;
  if (name !== undefined && !services.remotes.has(name)) throw noRemote(name);
  const rank = (one: string): number => (one === services.active ? 0 : 1);
  const shown = [...services.remotes]
    .filter(([one]) => name === undefined || one === name)
    .sort(([one], [other]) => rank(one) - rank(other) || (one < other ? -1 : 1));
  const { http } = keyServerChoice(ctx, host, "");
  for (const [one, remote] of shown) {
    const marks = `${remote.isSystem ? "*" : ""}${one === services.active ? "^" : ""}`;
    ctx.print(`\n${one} ${marks}`.trimEnd());
    ctx.print("\n");
    const servers = (await serversAt(http, remote, ctx))?.filter((server) => !server.isSkipped);
    if (servers === undefined) {
      ctx.print("   (unable to fetch associated keyserver info for this endpoint)\n");
      continue;
    }
    const width = Math.max(0, ...servers.map((server) => server.uri.length));
    for (const [at, server] of servers.entries()) {
      const lock = server.isInsecure ? "" : "🔒";
      ctx.print(`   #${at + 1}  ${server.uri.padEnd(width)}  ${lock}\n`);
    }
  }
  ctx.print("\n(* = system endpoint, ^ = default endpoint)\n");
  return 0;
}

/** The key servers of a service; without any configured, it is asked for its own. Undefined: it does not answer. */
async function serversAt(
  http: HttpClient,
  remote: Remote,
  ctx: Context,
): Promise<readonly KeyServer[] | undefined> {
  const known = serversOf(remote);
  if (known.length > 0 || configuredServers(remote) !== undefined) return known;
  try {
    return serversOf(remote, (await discoverService(http, remoteUrl(remote), 1)).get("keyserver"));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    ctx.log.verbose(error.message);
    return undefined;
  }
}

async function login(call: Call, uri: string): Promise<number> {
  const { inv, ctx, host } = call;
  keyServerUrl(uri);
  const username = inv.string("username");
  let secret = inv.string("password");
  if (inv.bool("password-stdin")) secret = readFileSync(0, "utf8").replace(/\r?\n$/, "");
  else if (secret === "") secret = askSecret("Password / Token: ", ctx.printError) ?? "";
  if (secret === "") {
    throw new Fault("usage", `while login to ${uri}: a password or token is needed`, {
      exitCode: 255,
    });
  }
  const authorization =
    username === ""
      ? `Bearer ${secret}`
      : `Basic ${Buffer.from(`${username}:${secret}`).toString("base64")}`;
  const { http } = keyServerChoice(ctx, host, uri);
  await new KeyServerClient(http, { uri, authorization }).checkLogin(`while login to ${uri}`);
  save(call, (services) => withLogin(services, uri, authorization));
  ctx.log.info(`Token stored in ${call.file}`);
  return 0;
}

/** Changes the user's own list. */
function save({ file }: Call, edit: (list: RemoteList) => RemoteList): void {
  writeRemotes(file, edit(mergeRemotes(readSystemRemotes(), readRemotes(file))), 0o600);
}

function noRemote(name: string): Fault {
  const why =
    name === "" ? "no default remote" : `no remote-endpoint with the name "${name}" found`;
  return new Fault("not-found", why);
}
