import { Fault } from "../base/fault.ts";
import { registryOf } from "../build/remote/access.ts";
import type { Invocation } from "../cli/invocation.ts";
import { parseImageAddress } from "../format/oci/image-address.ts";
import { parseRegistryReference, requestedVersion } from "../format/oci/reference.ts";
import { fetchManifest } from "../registry/oci/manifest-request.ts";
import { putManifest } from "../registry/oci/upload.ts";
import type { Context } from "../terminal/context.ts";
import { openAccess } from "./_remote-access.ts";

/** `tag`: gives an image of a registry further tags, without sending it again. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const [word = "", ...tags] = inv.args;
  const address = parseImageAddress(word);
  if (address?.kind !== "oras" && address?.kind !== "docker") {
    throw new Fault("unsupported", `Cannot tag "${word}": it is no image of a registry`, {
      hint: "write oras://HOST/name:tag or docker://HOST/name:tag",
    });
  }
  const { registry: name, repository } = address.image;
  // Only what can be asked for again.
  for (const tag of tags) parseRegistryReference(`${name}/${repository}:${tag}`);
  const opened = openAccess(inv, ctx);
  try {
    const registry = registryOf(opened.access, name);
    const version = requestedVersion(address.image);
    const found = await fetchManifest(registry, repository, version, word);
    for (const tag of tags) {
      await putManifest(registry, repository, tag, found.bytes, found.mediaType);
      ctx.log.info(`Tagged ${word} as ${tag}`);
    }
    return 0;
  } finally {
    opened.close();
  }
}
