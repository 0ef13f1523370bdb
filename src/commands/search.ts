import { registryOf } from "../build/remote/access.ts";
import type { Invocation } from "../cli/invocation.ts";
import { wantedPlatform } from "../format/oci/platform.ts";
import { searchLibrary } from "../registry/library/search.ts";
import { listRepositories, listTags } from "../registry/oci/list-images.ts";
import type { Registry } from "../registry/oci/registry.ts";
import type { Context } from "../terminal/context.ts";
import { openAccess } from "./_remote-access.ts";

/** `search`: images of a library by words, or those of a registry. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const words = inv.args[0] ?? "";
  const opened = openAccess(inv, ctx);
  try {
    const { access } = opened;
    const [, host, path = ""] = /^(?:oras|docker):\/\/([^/]+)\/?(.*)$/.exec(words) ?? [];
    if (host !== undefined) return await searchRegistry(registryOf(access, host), path, words, ctx);
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

/** Lists the images of a registry whose names contain a text, with their tags. */
async function searchRegistry(
  registry: Registry,
  text: string,
  words: string,
  ctx: Context,
): Promise<number> {
  const found: string[] = [];
  for (const name of await listRepositories(registry, text)) {
    // What is deleted leaves its name behind.
    const tags = await listTags(registry, name);
    if (tags.length > 0) found.push(`${name}:${[...tags].sort().join(",")}`);
  }
  const quoted = JSON.stringify(words);
  if (found.length === 0) {
    ctx.print(`No container images found matching ${quoted}.\n\n`);
    return 0;
  }
  ctx.print(`Found ${found.length} container images matching ${quoted}:\n\n`);
  const scheme = words.replace(/:.*$/s, "");
  for (const image of found) ctx.print(`\t${scheme}://${registry.name}/${image}\n\n`);
  return 0;
}
