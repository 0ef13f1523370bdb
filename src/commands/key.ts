import { Fault } from "../base/fault.ts";
import type { Invocation } from "../cli/invocation.ts";
import type { Context } from "../terminal/context.ts";
import { openKeyRings, plainHost } from "./_key-rings.ts";
import { keyServerChoice } from "./_key-servers.ts";
import type { KeyCall } from "./key/call.ts";

/** What the peer says and how it ends when a sub-command fails. */
const FAILURES: Readonly<Record<string, readonly [start: string, status: number]>> = {
  newpair: ["creating newpair failed", 2],
  search: ["search failed", 2],
  pull: ["pull failed", 2],
  push: ["push failed", 2],
  import: ["key import command failed", 2],
  export: ["key export command failed", 10],
};

/** `key newpair|list|search|pull|push|import|export|remove|generate-cosign-key-pair`. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const host = plainHost(ctx);
  const verb = inv.path[1] ?? "";
  let noServers: Fault | undefined;
  const call: KeyCall = {
    inv,
    ctx,
    rings: openKeyRings(inv, ctx, host),
    cwd: host.cwd ?? "/",
    servers: async () => {
      const { findKeyServers } = await import("../registry/keyserver/find-servers.ts");
      try {
        return await findKeyServers(
          keyServerChoice(ctx, host, inv.has("url") ? inv.string("url") : ""),
        );
      } catch (error) {
        if (error instanceof Fault) noServers = error;
        throw error;
      }
    },
  };
  const failure = FAILURES[verb];
  try {
    return await perform(verb, call);
  } catch (error) {
    if (failure === undefined || !(error instanceof Fault)) throw error;
    // Nothing was asked of anybody yet.
    if (error === noServers) {
      throw new Fault(error.code, `Keyserver client failed: ${error.message}`, {
        cause: error,
        exitCode: 255,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
    }
    const [start, status] = failure;
    // The peer says this without a start, as its dialogue comes before the work.
    const isDialogue = error.message.startsWith("could not collect user input");
    ctx.log.error(isDialogue ? error.message : `${start}: ${error.message}`);
    if (error.hint !== undefined) ctx.log.info(error.hint);
    return status;
  }
}

async function perform(verb: string, call: KeyCall): Promise<number> {
  switch (verb) {
    case "newpair":
      return await (await import("./key/newpair.ts")).newPair(call);
    case "search":
      return await (await import("./key/servers.ts")).search(call);
    case "pull":
      return await (await import("./key/servers.ts")).pull(call);
    case "push":
      return await (await import("./key/servers.ts")).push(call);
    case "import":
      return await (await import("./key/files.ts")).importKey(call);
    case "export":
      return await (await import("./key/files.ts")).exportKey(call);
    case "generate-cosign-key-pair":
      return await (await import("./key/cosign-pair.ts")).makePair(call);
    default:
      return await (await import("./key/rings.ts")).listOrRemove(verb, call);
  }
}
