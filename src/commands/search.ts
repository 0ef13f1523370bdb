import type { Invocation } from "../cli/invocation.ts";
import { wantedPlatform } from "../format/oci/platform.ts";
import { searchLibrary } from "../registry/library/search.ts";
import type { Context } from "../terminal/context.ts";
import { openAccess } from "./_remote-access.ts";

/** `search`: images of a library by words. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const opened = openAccess(inv, ctx);
  try {
    const { access } = opened;
    const words = inv.args[0] ?? "";
    const { arch } = wantedPlatform(access.wish);
    const signedOnly = inv.bool("signed");
    const place = await access.findLibrary(undefined);
    const found = await searchLibrary(access.http, place, { words, arch, signedOnly });
    const what = `${signedOnly ? "signed " : ""}container images`;
    const quoted = JSON.stringify(words);
    if (found.length === 0) {
      ctx.print(`No ${what} found for ${arch} matching ${quoted}.\n\n`);
      return 0;
    }
    ctx.print(`Found ${found.length} ${what} for ${arch} matching ${quoted}:\n\n`);
    for (const { address, description, fingerprints } of found) {
      ctx.print(`\t${address}\n`);
      if (description !== "") ctx.print(`\t\t${description}\n`);
      if (fingerprints.length > 0) ctx.print(`\t\tSigned by: ${fingerprints.join(" ")}\n`);
      ctx.print("\n");
    }
    return 0;
  } finally {
    opened.close();
  }
}
