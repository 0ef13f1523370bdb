import { Fault } from "../base/fault.ts";
import { resolvePath } from "../base/path.ts";
import type { Invocation } from "../cli/invocation.ts";
import {
  mergeRemotes,
  type Remote,
  readRemotes,
  readSystemRemotes,
} from "../registry/library/remotes.ts";
import type { Context } from "../terminal/context.ts";
import { logIn, logOut } from "./_registry-login.ts";
import { openAccess } from "./_remote-access.ts";
import { ownServices } from "./_user-places.ts";
import { known, type RemoteCall, save, setRemote } from "./remote/call.ts";
import { login, showPassword } from "./remote/log-in.ts";
import { show, status } from "./remote/show.ts";

/** `remote add|remove|use|list|status|login|logout|get-login-password`: library services. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const opened = openAccess(inv, ctx);
  try {
    const given = inv.group?.string("config") ?? "";
    const file =
      given === "" ? ownServices(ctx, opened.host) : resolvePath(opened.host.cwd ?? "/", given);
    const list = mergeRemotes(readSystemRemotes(), readRemotes(file));
    return await perform({
      inv,
      ctx,
      http: opened.access.http,
      isRoot: opened.host.uid === 0,
      file,
      list,
    });
  } finally {
    opened.close();
  }
}

async function perform(call: RemoteCall): Promise<number> {
  const { inv, ctx, list } = call;
  const [name = list.active] = inv.args;
  switch (inv.path[1]) {
    case "add":
      return await add(call);
    case "remove": {
      if (known(list, name).isSystem && !inv.bool("global")) {
        throw new Fault("denied", `${name} is global and can't be removed`, {
          hint: "root can, with --global",
        });
      }
      const remotes = new Map(list.remotes);
      remotes.delete(name);
      const active = activeBefore(call);
      save(call, { ...list, remotes, active: active === name ? "" : active });
      ctx.log.info(`Remote "${name}" removed.`);
      return 0;
    }
    case "use":
      return use(call, name);
    case "status":
      return await status(call, name);
    case "login":
      if (isRegistry(call, name)) return await logIn(inv, ctx);
      return await login(call, name);
    case "logout": {
      if (isRegistry(call, name)) return logOut(inv, ctx);
      setRemote(call, name, { ...known(list, name), token: "" });
      ctx.log.info("Logout succeeded");
      return 0;
    }
    case "get-login-password":
      return await showPassword(call);
    default:
      return show(call);
  }
}

/** Whether a word names no service but, as older scripts have it, a registry; said in a warning. */
function isRegistry({ ctx, list, inv }: RemoteCall, name: string): boolean {
  if (inv.args.length === 0 || list.remotes.has(name)) return false;
  const verb = inv.path[1] ?? "";
  ctx.log.warning(
    `'remote ${verb}' is deprecated for registries or keyservers and will be removed in a future release; running 'registry ${verb}'`,
  );
  return true;
}

async function add(call: RemoteCall): Promise<number> {
  const { inv, ctx, list } = call;
  const [name = "", uri = ""] = inv.args;
  if (list.remotes.has(name)) throw new Fault("exists", `${name} is already a remote`);
  const place = uri.replace(/^https?:\/\//, "").replace(/\/+$/, "");
  if (!/^[A-Za-z0-9.[\]:-]+(\/[^\s?#]*)?$/.test(place)) {
    throw new Fault("usage", `"${uri}" is no address of a service`, { exitCode: 255 });
  }
  const isInsecure = inv.bool("insecure") && !uri.startsWith("https://");
  if (uri.startsWith("http://") && !isInsecure) {
    throw new Fault("usage", "http URI requires --insecure or APPTAINER_ADD_INSECURE=true", {
      exitCode: 255,
    });
  }
  if (inv.bool("insecure") && !isInsecure) ctx.log.info("--insecure ignored for https remote");
  const remote: Remote = {
    uri: place,
    token: "",
    isSystem: inv.bool("global"),
    isExclusive: false,
    isInsecure,
    rest: {},
  };
  const active = inv.bool("no-default") ? activeBefore(call) : name;
  const next = { ...list, remotes: new Map(list.remotes).set(name, remote), active };
  save(call, next);
  ctx.log.info(`Remote "${name}" added.`);
  if (inv.bool("no-login") || inv.bool("global")) return 0;
  return await login({ ...call, list: next }, name);
}

/** The service in use by the list that is to be changed; that of a user counts for nobody else. */
function activeBefore({ inv, list }: RemoteCall): string {
  return inv.bool("global") ? readSystemRemotes().active : list.active;
}

function use(call: RemoteCall, name: string): number {
  const { inv, ctx, list } = call;
  const remote = known(list, name);
  const exclusive = [...list.remotes].find(([, one]) => one.isExclusive)?.[0];
  const makeExclusive = inv.bool("exclusive");
  if (exclusive !== undefined && exclusive !== name && !inv.bool("global") && !makeExclusive) {
    throw new Fault(
      "denied",
      `could not use ${name}: remote ${exclusive} has been set exclusive by the system administrator`,
    );
  }
  const remotes = new Map(list.remotes);
  if (makeExclusive) {
    for (const [other, one] of remotes) remotes.set(other, { ...one, isExclusive: false });
    remotes.set(name, { ...remote, isExclusive: true });
  }
  save(call, { ...list, remotes, active: name }, makeExclusive);
  ctx.log.info(`Remote "${name}" now in use.`);
  return 0;
}
