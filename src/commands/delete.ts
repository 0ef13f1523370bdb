import { Fault } from "../base/fault.ts";
import { registryOf } from "../build/remote/access.ts";
import type { Invocation } from "../cli/invocation.ts";
import { type ImageAddress, parseImageAddress } from "../format/oci/image-address.ts";
import { wantedPlatform } from "../format/oci/platform.ts";
import { requestedVersion } from "../format/oci/reference.ts";
import { deleteLibraryImage } from "../registry/library/delete.ts";
import { deleteManifest } from "../registry/oci/delete-manifest.ts";
import { askYesNo } from "../terminal/ask.ts";
import type { Context } from "../terminal/context.ts";
import { openAccess } from "./_remote-access.ts";

/** `delete`: removes an image from a library or registry. */
export async function run(inv: Invocation, ctx: Context): Promise<number> {
  const word = inv.args[0] ?? "";
  const address = parseImageAddress(word.includes(":/") ? word : `library://${word}`);
  if (address?.kind === "oras" || address?.kind === "docker") {
    return await deleteFromRegistry(inv, ctx, address);
  }
  if (address?.kind !== "library") {
    throw new Fault("usage", `Cannot delete "${word}": it is no image of a library or registry`, {
      exitCode: 255,
      hint: "write library://entity/collection/image:tag or oras://HOST/name:tag",
    });
  }
  const opened = openAccess(inv, ctx);
  try {
    const { access } = opened;
    const { arch } = wantedPlatform(access.wish);
    const { path, tags } = address.image;
    const name = `${path}:${tags[0] ?? "latest"} (${arch})`;
    const question = `Are you sure you want to delete ${name}`;
    if (!inv.bool("force") && !askYesNo(question, (text) => ctx.printError(text))) return 0;
    const place = await access.findLibrary(address.image.host);
    const timeoutMs = inv.int("timeout") * 1000;
    await deleteLibraryImage(access.http, place, address.image, arch, timeoutMs);
    ctx.log.info(`Image ${name} deleted.`);
    return 0;
  } finally {
    opened.close();
  }
}

/** A registry forgets an image with all tags that stand for it. */
async function deleteFromRegistry(
  inv: Invocation,
  ctx: Context,
  { image, text }: Extract<ImageAddress, { readonly kind: "oras" | "docker" }>,
): Promise<number> {
  const opened = openAccess(inv, ctx);
  try {
    const question = `Are you sure you want to delete ${text} and all other tags of that image`;
    if (!inv.bool("force") && !askYesNo(question, (line) => ctx.printError(line))) return 0;
    const registry = registryOf(opened.access, image.registry);
    await deleteManifest(registry, image.repository, requestedVersion(image), text);
    ctx.log.info(`Image ${text} deleted.`);
    return 0;
  } finally {
    opened.close();
  }
}
