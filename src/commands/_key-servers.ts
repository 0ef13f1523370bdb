import type { HostFacts } from "../plan/facts.ts";
import { HttpClient } from "../registry/http/client.ts";
import type { KeyServerChoice } from "../registry/keyserver/find-servers.ts";
import { mergeRemotes, readRemotes, readSystemRemotes } from "../registry/library/remotes.ts";
import type { Context } from "../terminal/context.ts";
import { ownDirectory, ownServices } from "./_user-places.ts";

/** What is known about key servers: `url` as given with `--url`, and the user's list of services. */
export function keyServerChoice(ctx: Context, host: HostFacts, url: string): KeyServerChoice {
  const configDir = ownDirectory(ctx, host);
  return {
    url,
    services: mergeRemotes(readSystemRemotes(), readRemotes(ownServices(ctx, host))),
    http: new HttpClient({ env: ctx.env, configDir, note: (line) => ctx.log.info(line) }),
  };
}
