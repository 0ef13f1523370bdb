import type { Invocation } from "../cli/invocation.ts";
import { registriesOf } from "../registry/credentials/registries.ts";
import { listLogins } from "../registry/credentials/store.ts";
import type { Context } from "../terminal/context.ts";
import { formatTable } from "../terminal/table.ts";
import { logIn, loginFiles, logOut, openRegistries } from "./_registry-login.ts";
import { openAccess } from "./_remote-access.ts";

/** `registry login|logout|list`: who one is at container registries. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  switch (inv.path[1]) {
    case "login":
      return await logIn(inv, ctx);
    case "logout":
      return logOut(inv, ctx);
    default:
      return list(inv, ctx);
  }
}

function list(inv: Invocation, ctx: Context): number {
  const opened = openAccess(inv, ctx);
  opened.close();
  const { list: services } = openRegistries(inv, ctx, opened.host);
  const known = registriesOf(services);
  // Docker's own file has log-ins that are none of ours.
  const names =
    ctx.program === "skiff" ? listLogins(loginFiles(inv, ctx, opened.host)[0] ?? "") : [];
  const unnamed = names.filter((name) => !known.some(({ host }) => host === name));
  const rows = [
    ...known.map(({ uri, isInsecure }) => [uri, isInsecure ? "" : "✓"]),
    ...unnamed.map((name) => [`docker://${name}`, "✓"]),
  ];
  ctx.print(`\n${formatTable([["URI", "SECURE?"], ...rows])}`);
  return 0;
}
