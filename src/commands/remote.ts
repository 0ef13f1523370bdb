import { readFileSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { resolvePath } from "../base/path.ts";
import type { Invocation } from "../cli/invocation.ts";
import {
  askVersion,
  checkToken,
  discoverService,
  remoteUrl,
} from "../registry/library/discover.ts";
import {
  mergeRemotes,
  type Remote,
  type RemoteList,
  readRemotes,
  readSystemRemotes,
  SYSTEM_FILES,
  writeRemotes,
} from "../registry/library/remotes.ts";
import type { Context } from "../terminal/context.ts";
import { directoryOf, type OpenedAccess, openAccess } from "./_remote-access.ts";

/** What one call of `remote` works on. */
interface Call {
  readonly inv: Invocation;
  readonly ctx: Context;
  readonly opened: OpenedAccess;
  /** The user's own file. */
  readonly file: string;
  readonly list: RemoteList;
}

/** `remote add|remove|use|list|status|login|logout|get-login-password`: library services. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const opened = openAccess(inv, ctx);
  try {
    const given = inv.group?.string("config") ?? "";
    const file =
      given === ""
        ? `${directoryOf(ctx, opened.host)}/remote.yaml`
        : resolvePath(opened.host.cwd ?? "/", given);
    const list = mergeRemotes(readSystemRemotes(), readRemotes(file));
    return await perform({ inv, ctx, opened, file, list });
  } finally {
    opened.close();
  }
}

async function perform(call: Call): Promise<number> {
  const { inv, ctx, list } = call;
  const [name = list.active] = inv.args;
  switch (inv.path[1]) {
    case "add":
      return await add(call);
    case "remove": {
      known(list, name);
      const remotes = new Map(list.remotes);
      remotes.delete(name);
      save(call, { ...list, remotes, active: list.active === name ? "" : list.active });
      ctx.log.info(`Remote "${name}" removed.`);
      return 0;
    }
    case "use":
      return use(call, name);
    case "status":
      return await status(call, name);
    case "login":
      return await login(call, name);
    case "logout": {
      setRemote(call, name, { ...known(list, name), token: "" });
      ctx.log.info("Logout succeeded");
      return 0;
    }
    case "get-login-password":
      throw new Fault("unsupported", `The service "${list.active}" has no registry of its own`);
    default:
      return show(call);
  }
}

function show({ ctx, list }: Call): number {
  const mark = (is: boolean): string => (is ? "✓" : "");
  const rows = [...list.remotes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => [
      name,
      one.uri,
      mark(name === list.active),
      mark(one.isSystem),
      mark(one.isExclusive),
      mark(!one.isInsecure),
    ]);
  const table = [["NAME", "URI", "DEFAULT?", "GLOBAL?", "EXCLUSIVE?", "SECURE?"], ...rows];
  const widths = [0, 1, 2, 3, 4].map((at) => Math.max(...table.map((row) => row[at]?.length ?? 0)));
  const lines = table.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  ctx.print(`\n${lines.join("\n")}\n`);
  return 0;
}

async function add(call: Call): Promise<number> {
  const { inv, ctx, list } = call;
  const [name = "", uri = ""] = inv.args;
  if (list.remotes.has(name)) throw new Fault("exists", `${name} is already a remote`);
  const place = uri.replace(/^https?:\/\//, "").replace(/\/+$/, "");
  if (!/^[A-Za-z0-9.[\]:-]+(\/[^\s?#]*)?$/.test(place)) {
    throw new Fault("usage", `"${uri}" is no address of a service`, { exitCode: 255 });
  }
  const isInsecure = inv.bool("insecure") || uri.startsWith("http://");
  const remote: Remote = {
    uri: place,
    token: "",
    isSystem: inv.bool("global"),
    isExclusive: false,
    isInsecure,
    rest: {},
  };
  const active = inv.bool("no-default") ? list.active : name;
  const next = { ...list, remotes: new Map(list.remotes).set(name, remote), active };
  save(call, next);
  ctx.log.info(`Remote "${name}" added.`);
  if (inv.bool("no-login") || inv.bool("global")) return 0;
  return await login({ ...call, list: next }, name);
}

function use(call: Call, name: string): number {
  const { inv, ctx, list } = call;
  const remote = known(list, name);
  const exclusive = [...list.remotes].find(([, one]) => one.isExclusive)?.[0];
  const makeExclusive = inv.bool("exclusive");
  if (exclusive !== undefined && exclusive !== name && !inv.bool("global") && !makeExclusive) {
    throw new Fault("denied", `could not use ${name}: remote ${exclusive} has been set exclusive`);
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

async function login(call: Call, name: string): Promise<number> {
  const { inv, ctx, opened, list } = call;
  const remote = known(list, name);
  const insecure = remote.isInsecure || (inv.has("insecure") && inv.bool("insecure"));
  const base = remoteUrl({ ...remote, isInsecure: insecure });
  const token = await readToken(call, base);
  const { http } = opened.access;
  await checkToken(http, await discoverService(http, base), token);
  setRemote(call, name, { ...remote, token });
  ctx.log.info("Access Token Verified!");
  ctx.log.info(`Token stored in ${call.file}`);
  return 0;
}

async function readToken({ inv, ctx }: Call, base: string): Promise<string> {
  const file = inv.string("tokenfile");
  const has = (name: string): boolean => inv.has(name) && inv.isSet(name);
  if (file !== "") return readFileSync(file, "utf8").trim();
  if (has("password")) return inv.string("password");
  if (has("password-stdin")) return readFileSync(0, "utf8").trim();
  ctx.printError(`Generate an access token at ${base}/auth/tokens, and paste it here.\n`);
  const { askSecret } = await import("../terminal/ask.ts");
  const token = askSecret("Access Token: ", (text) => ctx.printError(text))?.trim() ?? "";
  if (token !== "") return token;
  throw new Fault("usage", "No token was given", { exitCode: 255, hint: "use --tokenfile" });
}

async function status({ ctx, opened, list }: Call, name: string): Promise<number> {
  const remote = known(list, name);
  const { http } = opened.access;
  ctx.log.info("Checking status of remote.");
  const parts = await discoverService(http, remoteUrl(remote));
  const rows = await Promise.all(
    [...parts].sort().map(async ([part, uri]) => {
      const version = await askVersion(http, uri);
      return [part, version === undefined ? "N/A" : "OK", version ?? "N/A", uri];
    }),
  );
  const table = [["SERVICE", "STATUS", "VERSION", "URI"], ...rows];
  const widths = [0, 1, 2].map((at) => Math.max(...table.map((row) => row[at]?.length ?? 0)));
  for (const row of table) {
    ctx.print(
      `${row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd()}\n`,
    );
  }
  if (remote.token === "") {
    ctx.print("\nNo authentication token set (logged out).\n");
    return 0;
  }
  await checkToken(http, parts, remote.token);
  ctx.print("\nValid authentication token set (logged in).\n");
  return 0;
}

function known(list: RemoteList, name: string): Remote {
  const remote = list.remotes.get(name);
  if (remote !== undefined) return remote;
  throw new Fault("not-found", name === "" ? "no remote is in use" : `${name} is not a remote`);
}

function setRemote(call: Call, name: string, remote: Remote): void {
  save(call, { ...call.list, remotes: new Map(call.list.remotes).set(name, remote) });
}

/** Writes the user's list, or with --global that for all users. */
function save({ inv, opened, file }: Call, list: RemoteList, isExclusive: boolean = false): void {
  const isGlobal = isExclusive || (inv.has("global") && inv.bool("global"));
  if (!isGlobal) {
    writeRemotes(file, list, 0o600);
    return;
  }
  const [target = ""] = SYSTEM_FILES;
  if (opened.host.uid !== 0) {
    throw new Fault(
      "denied",
      `Cannot write "${target}": only root may change the list for all users`,
    );
  }
  const remotes = [...list.remotes].filter(([, one]) => one.isSystem);
  const open = remotes.map(([name, one]) => [name, { ...one, token: "" }] as const);
  writeRemotes(target, { ...list, remotes: new Map(open), rest: {} }, 0o644);
}
