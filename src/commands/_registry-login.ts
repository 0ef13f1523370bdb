import { readFileSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { registryOf } from "../build/remote/access.ts";
import type { Invocation } from "../cli/invocation.ts";
import { passwordCredential } from "../registry/credentials/credential.ts";
import { credentialFiles } from "../registry/credentials/find.ts";
import { removeLogin, storeLogin } from "../registry/credentials/store.ts";
import { checkLogin } from "../registry/oci/log-in.ts";
import type { Context } from "../terminal/context.ts";
import { credentialPlaces, openAccess } from "./_remote-access.ts";

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
    await checkLogin(
      registryOf({ ...opened.access, findCredential: async () => credential }, name),
    );
    const file = loginFile(inv, ctx, opened.host);
    storeLogin(file, name, username, password);
    ctx.log.info(`Token stored in ${file}`);
    return 0;
  } finally {
    opened.close();
  }
}

/** Forgets the log-in at the registry that the first argument names. */
export function logOut(inv: Invocation, ctx: Context): number {
  const name = registryName(inv.args[0] ?? "", "logout from");
  const opened = openAccess(inv, ctx);
  try {
    const file = loginFile(inv, ctx, opened.host);
    if (removeLogin(file, name)) ctx.log.info(`Token removed from ${file}`);
    else ctx.log.warning(`There is no existing login to registry "${name}".`);
    ctx.log.info("Logout succeeded");
    return 0;
  } finally {
    opened.close();
  }
}

/** The file that log-ins are written to: that of --authfile, else skiff's own. */
export function loginFile(
  inv: Invocation,
  ctx: Context,
  host: Parameters<typeof credentialPlaces>[2],
): string {
  return credentialFiles(credentialPlaces(inv, ctx, host))[0] ?? "";
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
