import { existsSync } from "node:fs";
import {
  askUser,
  askVersion,
  checkToken,
  discoverService,
  remoteUrl,
} from "../../registry/library/discover.ts";
import { type RemoteList, writeRemotes } from "../../registry/library/remotes.ts";
import { formatTable } from "../../terminal/table.ts";
import { known, type RemoteCall } from "./call.ts";

/** `remote list`. */
export function show({ ctx, list, file }: RemoteCall): number {
  // Under the peers' names the first look at the list leaves the user's file, as it does there.
  if (ctx.program !== "skiff" && !existsSync(file)) tryToWrite(file, list);
  const mark = (is: boolean): string => (is ? "✓" : "");
  const rows = [...list.remotes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => [
      name,
      one.uri,
      mark(name === list.active),
      mark(one.isSystem),
      mark(one.isExclusive),
      one.isInsecure ? "✗!" : "✓",
    ]);
  const table = [["NAME", "URI", "DEFAULT?", "GLOBAL?", "EXCLUSIVE?", "SECURE?"], ...rows];
  ctx.print(`\n${formatTable(table)}`);
  return 0;
}

function tryToWrite(file: string, list: RemoteList): void {
  try {
    writeRemotes(file, list, 0o600);
  } catch {
    // A home that may only be read: nothing is lost.
  }
}

/** `remote status`: what a service consists of, and who one is there. */
export async function status({ ctx, inv, http, list }: RemoteCall, name: string): Promise<number> {
  const remote = known(list, name);
  const which = inv.args.length === 0 ? "default remote." : `remote: ${name}`;
  ctx.log.info(`Checking status of ${which}`);
  const parts = await discoverService(http, remoteUrl(remote));
  const rows = await Promise.all(
    [...parts].sort().map(async ([part, uri]) => {
      const version = await askVersion(http, uri);
      const title = part.slice(0, 1).toUpperCase() + part.slice(1);
      return [title, version === undefined ? "N/A" : "OK", version ?? "", uri];
    }),
  );
  const table = [["SERVICE", "STATUS", "VERSION", "URI"], ...rows];
  ctx.print(formatTable(table));
  if (remote.token === "") {
    ctx.print("\nNo authentication token set (logged out).\n");
    return 0;
  }
  const library = parts.get("library");
  const user = library === undefined ? undefined : await askUser(http, library, remote.token);
  if (user !== undefined) ctx.print(`\nLogged in as: ${user.name} <${user.mail}>\n`);
  try {
    await checkToken(http, parts, remote.token);
  } catch (error) {
    ctx.print("\nAuthentication token is invalid (please login again).\n");
    throw error;
  }
  ctx.log.info("Access Token Verified!");
  ctx.print("\nValid authentication token set (logged in).\n");
  return 0;
}
