import { Fault } from "../../../base/fault.ts";
import { decodeOsText } from "../../../base/os-text.ts";
import { chooseArchived, parseDockerManifest } from "../../../format/oci/docker-archive.ts";
import { parseImageConfig } from "../../../format/oci/image-config.ts";
import type { OciImage } from "../../../format/oci/oci-image.ts";
import { decompressed } from "../decompress.ts";
import type { MemberFiles } from "./member-files.ts";
import { collect, verified } from "./verified.ts";

const MAX_TEXT_BYTES = 16 * 1024 * 1024;

/**
 * Opens an image of an archive as `docker save` writes it. Such an archive states no digests for what
 * lies in it, only those of the unpacked layers: layers are given unpacked and checked against these.
 *
 * @param wanted tag, `@N`, or empty.
 */
export async function openDockerArchive(
  files: MemberFiles,
  wanted: string,
  reference: string,
): Promise<OciImage> {
  const list = await collect(files.open("manifest.json"), MAX_TEXT_BYTES, `list of ${reference}`);
  const images = parseDockerManifest(decodeOsText(list), reference);
  const chosen = chooseArchived(images, wanted, reference);
  if (files.sizeOf(chosen.config) === undefined) throw missing(reference, chosen.config);
  const what = `configuration of ${reference}`;
  const config = await collect(files.open(chosen.config), MAX_TEXT_BYTES, what);
  const { diffIds } = parseImageConfig(decodeOsText(config), reference);
  if (diffIds.length !== chosen.layers.length) {
    throw new Fault(
      "invalid",
      `Cannot use ${reference}: it lists ${chosen.layers.length} layers, its configuration ${diffIds.length}`,
    );
  }
  return {
    reference,
    manifestDigest: `sha256:${new Bun.CryptoHasher("sha256").update(config).digest("hex")}`,
    config,
    layers: chosen.layers.map((member, index) => {
      const digest = diffIds[index] ?? "";
      const sizeBytes = files.sizeOf(member);
      if (sizeBytes === undefined) throw missing(reference, member);
      const name = `layer ${digest} ("${member}") of ${reference}`;
      return {
        mediaType: "application/vnd.docker.image.rootfs.diff.tar",
        digest,
        sizeBytes,
        open: () =>
          verified(decompressed(files.open(member), name), { digest, sizeBytes: undefined }, name),
      };
    }),
  };
}

function missing(reference: string, member: string): Fault {
  return new Fault("not-found", `Cannot use ${reference}: it has no member "${member}"`, {
    hint: "the archive is not complete; write it with `docker save` again",
  });
}
