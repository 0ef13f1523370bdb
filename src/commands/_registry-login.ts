import { readFileSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { resolvePath } from "../base/path.ts";
import { registryOf } from "../build/remote/access.ts";
import type { Invocation } from "../cli/invocation.ts";
import type { HostFacts } from "../plan/facts.ts";
import { passwordCredential } from "../registry/credentials/credential.ts";
import { credentialFiles, peerLoginFile } from "../registry/credentials/find.ts";
import { registriesOf, withoutRegistry, withRegistry } from "../registry/credentials/registries.ts";
import { removeLogin, storeLogin } from "../registry/credentials/store.ts";
import { HttpFault } from "../registry/http/http-fault.ts";
import {
  mergeRemotes,
  type RemoteList,
  readRemotes,
  readSystemRemotes,
  writeRemotes,
} from "../registry/library/remotes.ts";
import { checkLogin } from "../registry/oci/log-in.ts";
import type { Context } from "../terminal/context.ts";
import { credentialPlaces, openAccess } from "./_remote-access.ts";
import { ownServices } from "./_user-places.ts";

/** Logs in at the registry that the first argument names. */
export async function logIn(inv: Invocation, ctx: Context): Promise<number> {
  const word = inv.args[0] ?? "";
  const name = registryName(word, "login to");
  const { askSecret } = await import("../terminal/ask.ts");
  const print = (text: string): void => ctx.printError(text);
  const username = inv.string("username");
  if (username === "") {
    throw new Fault("usage", `while login to ${word}: Docker/OCI registry requires a username`, {
      exitCode: 255,
      hint: "give it with --username",
    });
  }
  let password = inv.string("password");
  if (inv.bool("password-stdin")) {
    password = readFileSync(0, "utf8").replace(/\r?\n$/, "");
  } else if (password === "") password = askSecret("Password / Token: ", print) ?? "";
  if (password === "") {
    throw new Fault("usage", `while login to ${word}: a password or token is needed`, {
      exitCode: 255,
    });
  }
  const opened = openAccess(inv, ctx);
  try {
    const credential = passwordCredential(username, password, "this command");
    const registry = registryOf({ ...opened.access, findCredential: async () => credential }, name);
    await checkLogin(registry).catch((error) => {
      if (!(error instanceof HttpFault) || error.status !== 401) throw error;
      // Its hint is how to log in.
      throw new HttpFault(401, `while login to ${word}: ${error.message}`);
    });
    const [file = "", ...others] = loginFiles(inv, ctx, opened.host);
    await storeLogin(file, { registry: name, username, password }, ctx.env, (line) =>
      ctx.log.warning(line),
    );
    // An older one that is found first would count.
    for (const other of others) await removeLogin(other, name, ctx.env);
    ctx.log.info(`Token stored in ${file}`);
    rememberRegistry(inv, ctx, opened.host, (list) => withRegistry(list, word.replace(/\/+$/, "")));
    return 0;
  } finally {
    opened.close();
  }
}

/** Forgets the log-in at the registry that the first argument names. */
export async function logOut(inv: Invocation, ctx: Context): Promise<number> {
  const name = registryName(inv.args[0] ?? "", "logout from");
  const opened = openAccess(inv, ctx);
  try {
    let isKnown = false;
    for (const file of loginFiles(inv, ctx, opened.host)) {
      if (!(await removeLogin(file, name, ctx.env))) continue;
      ctx.log.info(`Token removed from ${file}`);
      isKnown = true;
    }
    if (!isKnown) {
      ctx.log.warning(`There is no existing login to registry "${name}".`);
    }
    rememberRegistry(inv, ctx, opened.host, (list) => withoutRegistry(list, name));
    ctx.log.info("Logout succeeded");
    return 0;
  } finally {
    opened.close();
  }
}

/**
 * The file that log-ins are written to, then those that are asked before it: that of --authfile;
 * skiff's own; under another program's name that one's.
 */
export function loginFiles(inv: Invocation, ctx: Context, host: HostFacts): readonly string[] {
  const places = credentialPlaces(inv, ctx, host);
  const files = credentialFiles(places);
  const file = ctx.program === "skiff" ? (files[0] ?? "") : peerLoginFile(places);
  const at = files.indexOf(file);
  return [file, ...files.slice(0, Math.max(0, at))];
}

/** The list of services, which keeps the registries as they were named, and its file. */
export function openRegistries(
  inv: Invocation,
  ctx: Context,
  host: HostFacts,
): { readonly file: string; readonly list: RemoteList } {
  const given = inv.group?.has("config") === true ? inv.group.string("config") : "";
  const file = given === "" ? ownServices(ctx, host) : resolvePath(host.cwd ?? "/", given);
  return { file, list: mergeRemotes(readSystemRemotes(), readRemotes(file)) };
}

function rememberRegistry(
  inv: Invocation,
  ctx: Context,
  host: HostFacts,
  change: (list: RemoteList) => RemoteList,
): void {
  // A file of its own is a list of its own.
  if (inv.has("authfile") && inv.string("authfile") !== "") return;
  const { file, list } = openRegistries(inv, ctx, host);
  const next = change(list);
  if (registriesOf(next).length === 0 && registriesOf(list).length === 0) return;
  writeRemotes(file, next, 0o600);
}

function registryName(word: string, doing: string): string {
  const [, name = ""] = /^(?:docker|oras):\/\/([^/]+)\/?$/.exec(word) ?? [];
  if (name === "") {
    throw new Fault("usage", `while ${doing} ${word}: transport is not supported`, {
      exitCode: 255,
      hint: "write docker://HOST or oras://HOST",
    });
  }
  return ["index.docker.io", "registry-1.docker.io"].includes(name) ? "docker.io" : name;
}
