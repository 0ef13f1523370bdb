import { Fault } from "../base/fault.ts";
import { pushOciSif } from "../build/ocisif/push-oci-sif.ts";
import { type RemoteAccess, registryOf, type Step } from "../build/remote/access.ts";
import type { Invocation } from "../cli/invocation.ts";
import type { LibraryReference } from "../format/oci/image-address.ts";
import type { RegistryReference } from "../format/oci/reference.ts";
import { imageHost } from "../host/image-host.ts";
import { openImageFile } from "../image/image-file.ts";
import { readOciImage } from "../image/ocisif/open-oci-sif.ts";
import { isLayered } from "../image/open.ts";
import { findLibraryRegistry } from "../registry/library/oci-registry.ts";
import { Registry } from "../registry/oci/registry.ts";
import type { Context } from "../terminal/context.ts";
import { syncOciOverlay } from "./_oci-sif-overlay.ts";

/** Where an image is sent. */
type Target =
  | { readonly kind: "docker" | "oras"; readonly image: RegistryReference }
  | { readonly kind: "library"; readonly image: LibraryReference };

/** `push` of an OCI-SIF to a registry, or to that of a library: its layers, as an image. */
export async function pushLayers(
  inv: Invocation,
  ctx: Context,
  access: RemoteAccess,
  path: string,
  target: Target,
): Promise<void> {
  const [word = "", address = ""] = inv.args;
  const format = inv.string("layer-format");
  if (format !== "" && format !== "squashfs" && format !== "tar") {
    throw new Fault("usage", `unsupported layer format: ${format}`, {
      exitCode: 255,
      hint: "use squashfs or tar",
    });
  }
  if (inv.bool("with-cosign") && format === "tar") {
    throw new Fault("usage", "--with-cosign and --layer-format tar exclude each other", {
      exitCode: 255,
      hint: "with other layers it is another image than the one that was signed",
    });
  }
  if (!isLayered(openImageFile(path, imageHost))) {
    throw new Fault(
      "unsupported",
      `Cannot push "${word}": non OCI SIF images can only be pushed to OCI registries via oras://`,
      { hint: `use ${address.replace(/^docker:/, "oras:")}` },
    );
  }
  syncBefore(path, word, format, ctx);
  const file = openImageFile(path, imageHost);
  const { layers } = readOciImage(file).sif;
  const { image, registry } = await placeOf(target, access, ctx);
  const total = layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const step: Step = access.step(`Sending ${word} to ${address}`, total);
  try {
    const onBytes = (done: number): void => step.update(done);
    await pushOciSif({ file, registry, image, asTar: format === "tar", onBytes });
  } finally {
    step.finish();
  }
  if (inv.bool("with-cosign")) {
    const { sendCosign } = await import("./_carry-cosign.ts");
    await sendCosign(path, inv, ctx, access, { registry, image });
  }
  ctx.log.info("Upload complete");
}

/** An overlay is sent with the digest that it has now. */
function syncBefore(path: string, word: string, format: string, ctx: Context): void {
  const top = readOciImage(openImageFile(path, imageHost)).sif.layers.at(-1);
  if (top?.kind !== "ext3") return;
  if (format !== "") {
    throw new Fault(
      "unsupported",
      `Cannot push "${word}": its overlay has no layer format ${format}`,
      {
        hint: "use `overlay seal` before pushing this image, or push it without --layer-format",
      },
    );
  }
  ctx.log.info("Synchronizing overlay digest to OCI image.");
  syncOciOverlay(path, word);
}

async function placeOf(
  target: Target,
  access: RemoteAccess,
  ctx: Context,
): Promise<{ readonly image: RegistryReference; readonly registry: Registry }> {
  if (target.kind !== "library") {
    return { image: target.image, registry: registryOf(access, target.image.registry) };
  }
  const place = await access.findLibrary(target.image.host);
  const { credential, image, noHttps } = await findLibraryRegistry(
    access.http,
    place,
    target.image,
  );
  ctx.log.info("Pushing an OCI-SIF to the library OCI registry. Use `--oci` to pull this image.");
  const findCredential = (): Promise<typeof credential> => Promise.resolve(credential);
  return {
    image,
    registry: new Registry(image.registry, { http: access.http, noHttps, findCredential }),
  };
}
