import { decodeOsText } from "../../base/os-text.ts";
import { parseImageConfig } from "../../format/oci/image-config.ts";
import { mergedView } from "../../format/oci/merge/merged-view.ts";
import type { OciImage } from "../../format/oci/oci-image.ts";
import { applyEdits } from "../oci/apply-edits.ts";
import { ociRunscript, planOciFiles } from "../oci/describe-image.ts";
import { imageOfStage } from "../oci/image-of-stage.ts";
import { unpackMerged } from "../oci/unpack-merged.ts";
import { editedView } from "../root/edited-view.ts";
import { planSkeleton } from "../root/skeleton.ts";
import type { Stage } from "../stage.ts";
import { type Agent, TELLING_RUNSCRIPT } from "./agent.ts";

/**
 * `Bootstrap: docker`, `docker-archive`, `oci`, `oci-archive`: the merged layers of an image, with
 * environment, labels and runscript of its configuration.
 */
export const oci: Agent = {
  // The standard scripts are put in here already, over those of the image.
  keepsFiles: true,
  runscript: TELLING_RUNSCRIPT,
  async bootstrap(stage) {
    await unpackOci(stage, await imageOfStage(stage, stage.folder));
  },
};

/** Fills the root of a stage with the merged layers of an image and what its configuration says. */
export async function unpackOci(stage: Stage, image: OciImage): Promise<void> {
  const { ports } = stage;
  const config = parseImageConfig(decodeOsText(image.config), image.reference);
  ports.talk.info("Extracting OCI image...");
  await unpackMerged(image, stage.root, {
    impliedTime: config.createdSeconds,
    ports,
    edit: (root) => {
      const view = editedView(mergedView(root));
      planOciFiles(view, config, image.base);
      planSkeleton(view, true, ociRunscript(config));
      applyEdits(root, view.edits, config.createdSeconds);
    },
    lost: stage.owners,
  });
  stage.objects?.set("oci-config.json", config.configJson);
}
