import { userDirectory } from "../config/user-directory.ts";
import { hasContent } from "../host/has-content.ts";
import { type CachePlaces, cachePlaces } from "../image/cache/places.ts";
import type { HostFacts } from "../plan/facts.ts";
import { remotesFile } from "../registry/library/remotes-place.ts";
import type { Context } from "../terminal/context.ts";

/** The caller's directory of settings and caches. Throws a Fault where there is none. */
export function ownDirectory(ctx: Context, host: HostFacts): string {
  return userDirectory({ env: ctx.env, accountHome: host.account?.home, cwd: host.cwd });
}

/** Places of the caller's cache; above it the level that a site shares, "" for none. Throws as `ownDirectory`. */
export function ownCache(ctx: Context, host: HostFacts, sharedCache: string): CachePlaces {
  return cachePlaces({
    env: ctx.env,
    userDirectory: ownDirectory(ctx, host),
    cwd: host.cwd ?? "/",
    sharedCache,
  });
}

/** The caller's list of services, a remote.yaml. Throws as `ownDirectory`. */
export function ownServices(ctx: Context, host: HostFacts): string {
  return remotesFile({
    env: ctx.env,
    home: ctx.env["HOME"] || host.account?.home,
    program: ctx.program,
    userDirectory: ownDirectory(ctx, host),
    hasContent,
  });
}
