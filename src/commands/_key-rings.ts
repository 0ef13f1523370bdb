import { resolvePath } from "../base/path.ts";
import type { Invocation } from "../cli/invocation.ts";
import { userDirectory } from "../config/user-directory.ts";
import { hostFacts } from "../host/facts.ts";
import { hasContent } from "../host/has-content.ts";
import type { HostFacts } from "../plan/facts.ts";
import { KeyRings } from "../runtime/key-rings.ts";
import type { Context } from "../terminal/context.ts";
import { keyDirectory } from "../trust/key-places.ts";

/** The rings that flags and environment select. */
export function openKeyRings(inv: Invocation, ctx: Context, host: HostFacts): KeyRings {
  const home = ctx.env["HOME"] || host.account?.home;
  const given = inv.has("keysdir") ? inv.string("keysdir") : "";
  const directory =
    given === ""
      ? keyDirectory({
          env: ctx.env,
          home,
          program: ctx.program,
          userDirectory: userDirectory({
            env: ctx.env,
            accountHome: host.account?.home,
            cwd: host.cwd,
          }),
          hasContent,
        })
      : given;
  return new KeyRings(resolvePath(host.cwd ?? "/", directory));
}

/** Facts of this machine, for commands that need no configuration. */
export function plainHost(ctx: Context): HostFacts {
  return hostFacts({ binaryPath: "$PATH", env: ctx.env });
}
