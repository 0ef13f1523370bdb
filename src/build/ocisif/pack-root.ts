import { statSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { encodeOsText } from "../../base/os-text.ts";
import { OCI_MANIFEST } from "../../format/oci/manifest.ts";
import { configWithLayers, manifestWith, textsOf } from "../../format/ocisif/image-texts.ts";
import { SQUASHFS_LAYER } from "../../format/ocisif/media-types.ts";
import { hostFiles } from "../../host/host-files.ts";
import { sha256 } from "../../image/ocisif/open-oci-sif.ts";
import type { BuildRequest } from "../build.ts";
import { ownersToPack } from "../owners/owners-to-pack.ts";
import { type PackedImage, pseudoOf } from "../pack/pack-image.ts";
import { packSquashfs } from "../pack/squashfs.ts";
import type { Stage } from "../stage.ts";
import type { Workspace } from "../workspace.ts";
import { OciSifFile } from "./oci-sif-file.ts";

/** Name under which a stage that becomes an OCI-SIF leaves its image configuration. */
export const OCI_CONFIG_OBJECT = "oci-image.json";

/** SquashFS has 32 bits for times. */
const MAX_TIME = 0xffffffff;

/**
 * Packs the finished root of a stage as the one layer of an OCI-SIF. Nothing in it depends on the clock.
 * Throws a Fault.
 */
export async function packOciRoot(
  request: BuildRequest,
  stage: Stage,
  temporary: Workspace,
  beside: Workspace,
): Promise<Partial<PackedImage>> {
  const { ports } = stage;
  ports.talk.info("Creating OCI-SIF file...");
  const tool = ports.tool("mksquashfs");
  if (tool === undefined) {
    throw new Fault("missing-tool", "while searching for mksquashfs: it is not in PATH", {
      hint: "install the package squashfs-tools",
    });
  }
  const text = stage.objects?.get(OCI_CONFIG_OBJECT);
  if (text === undefined) throw new Fault("failed", "The image has no configuration");
  const latestSeconds = Math.max(0, Math.min(stage.clock.seconds ?? 0, MAX_TIME));
  const view = hostFiles(stage.root);
  const { owners, dropsAttributes } = ownersToPack(stage, view);
  const folder = temporary.folder("pack");
  const file = new OciSifFile(`${beside.path}/image`, 1);
  const { extraArguments, memory, processors } = request.pack;
  await packSquashfs({
    tool,
    source: stage.root,
    target: file.path,
    offsetBytes: file.endBytes,
    folder,
    pseudo: pseudoOf({ source: stage.root, pseudoEdits: [], owners, folder }),
    allRoot: process.getuid?.() !== 0,
    dropsAttributes,
    processors,
    memory,
    extraArguments,
    latestSeconds,
    ports,
  });
  const sizeBytes = statSync(file.path).size - file.endBytes;
  const layer = await file.takeWritten(SQUASHFS_LAYER, sizeBytes, ports.signal);
  const created = new Date(latestSeconds * 1000).toISOString();
  const createdBy = `skiff ${request.options.version}`;
  const history = { created, createdBy, comment: "oci-sif built from a Dockerfile" };
  const config = encodeOsText(JSON.stringify({ created, ...(JSON.parse(text) as object) }));
  const bytes = configWithLayers(config, [layer.digest], history, request.target);
  const manifest = manifestWith({ bytes, digest: sha256(bytes) }, [layer], undefined);
  const texts = textsOf(bytes, { bytes: manifest, mediaType: OCI_MANIFEST }, sha256);
  file.finish(texts, request.target);
  return { sizeBytes: statSync(request.target).size };
}
