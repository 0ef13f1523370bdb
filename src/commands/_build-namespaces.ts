import { Fault } from "../base/fault.ts";
import { ownProgram } from "../build/own-program.ts";
import type { Rung } from "../build/rung.ts";
import { enterNamespaces } from "../build/user-namespace.ts";
import type { Invocation } from "../cli/invocation.ts";
import type { HostFacts } from "../plan/facts.ts";
import type { Context } from "../terminal/context.ts";
import { CONFIRMED, MOVED } from "./_carry-out-build.ts";
import { PIPED } from "./_piped-definition.ts";

const CAP_SYS_ADMIN = 2 ** 21;

/** Whether a build is to be started again with the rights of its rung (build/rung.ts). */
export function needsNamespaces(
  rung: Rung,
  inv: Invocation,
  host: HostFacts,
  isWritten: boolean,
  hasCache: boolean,
): boolean {
  if (rung.kind !== "root") return isWritten || inv.bool("fakeroot");
  // Layers are mounted where nobody else sees them, so that killing the build leaves none behind.
  const canMount = Math.floor(host.capabilities / CAP_SYS_ADMIN) % 2 === 1;
  return hasCache && canMount && host.env[MOVED] === undefined;
}

/** Says with whose rights a build runs and starts it again with them. */
export async function takeRung(
  rung: Rung,
  ctx: Context,
  host: HostFacts,
  carried: { readonly confirmed?: string; readonly piped?: string | undefined } = {},
): Promise<never> {
  switch (rung.kind) {
    case "refused":
      throw new Fault("unsupported", rung.why, {
        hint: "an administrator can allow user namespaces, or build on another machine",
      });
    case "sub-ids": {
      const text = `Building as root of a user namespace with ${rung.uids.count} sub-ids from ${rung.uids.first}`;
      if (ctx.program === "skiff") ctx.log.info(text);
      else ctx.log.verbose(text);
      break;
    }
    case "mapped":
      ctx.log.info(`${rung.why}, trying root-mapped namespace`);
      ctx.log.info(
        "Building with one user id: giving files to others appears to succeed, and counts in the SIF only",
      );
      break;
    case "root":
      break;
  }
  const env: Record<string, string> = { ...host.env, [MOVED]: rung.kind };
  if (carried.confirmed) env[CONFIRMED] = carried.confirmed;
  if (carried.piped !== undefined) env[PIPED] = carried.piped;
  const words = process.argv.slice(2);
  return await enterNamespaces(rung, ownProgram(ctx.env["PATH"]), words, { ...host, env });
}
