import { Fault } from "../base/fault.ts";
import { registryOf } from "../build/remote/access.ts";
import type { Invocation } from "../cli/invocation.ts";
import { type ImageAddress, parseImageAddress } from "../format/oci/image-address.ts";
import { wantedPlatform } from "../format/oci/platform.ts";
import { parseRegistryReference, requestedVersion } from "../format/oci/reference.ts";
import { tagLibraryImage } from "../registry/library/set-tags.ts";
import { fetchManifest } from "../registry/oci/manifest-request.ts";
import { putManifest } from "../registry/oci/upload.ts";
import type { Context } from "../terminal/context.ts";
import { openAccess } from "./_remote-access.ts";

/** `tag`: gives an image of a registry or library further tags, without sending it again. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const [word = "", ...tags] = inv.args;
  const address = parseImageAddress(word);
  if (address?.kind === "library") return await tagInLibrary(inv, ctx, address, tags);
  if (address?.kind !== "oras" && address?.kind !== "docker") {
    throw new Fault(
      "unsupported",
      `Cannot tag "${word}": it is no image of a registry or library`,
      {
        hint: "write oras://HOST/name:tag, docker://HOST/name:tag or library://entity/collection/name:tag",
      },
    );
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

async function tagInLibrary(
  inv: Invocation,
  ctx: Context,
  address: Extract<ImageAddress, { readonly kind: "library" }>,
  tags: readonly string[],
): Promise<number> {
  const { image, text } = address;
  // Only what can be asked for again.
  for (const tag of tags) parseImageAddress(`library://${image.path}:${tag}`);
  const opened = openAccess(inv, ctx);
  try {
    const { access } = opened;
    const place = await access.findLibrary(image.host);
    const { arch } = wantedPlatform(access.wish);
    await tagLibraryImage(access.http, place, image, arch, tags);
    for (const tag of tags) ctx.log.info(`Tagged ${text} as ${tag}`);
    return 0;
  } finally {
    opened.close();
  }
}
