import type { ImageEntry } from "../../image/cache/image-store.ts";
import type { RemoteAccess } from "./access.ts";

/** To be raised whenever the same image gives another SIF than before. */
const CONVERSION = 2;

/** The place in the cache of what a conversion gives. */
export function entryOf(
  manifest: string,
  reference: string,
  access: Pick<RemoteAccess, "sourceDateEpoch" | "mksquashfsArgs" | "ociSif" | "version">,
): ImageEntry {
  // The reference stands in the image's labels, so it is part of what the image is made from.
  const { mksquashfsArgs, sourceDateEpoch } = access;
  const choices = JSON.stringify([sourceDateEpoch ?? "", ...mksquashfsArgs]);
  if (access.ociSif !== undefined) {
    const form = `oci-sif ${access.version}${access.ociSif.keepLayers ? " layers" : ""}`;
    return { kind: "oci", name: nameOf([`skiff ${CONVERSION}`, manifest, form, choices]) };
  }
  return { kind: "oci", name: nameOf([`skiff ${CONVERSION}`, manifest, reference, choices]) };
}

/** A file name that stands for some texts. */
export function nameOf(parts: readonly string[]): string {
  return new Bun.CryptoHasher("sha256").update(parts.join("\n")).digest("hex");
}
