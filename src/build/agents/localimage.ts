import { resolvePath } from "../../base/path.ts";
import { imageHost } from "../../host/image-host.ts";
import { openImageFile } from "../../image/image-file.ts";
import { openAnyImage } from "../../image/ocisif/open-oci-sif.ts";
import { imageOf, isLayered } from "../../image/open.ts";
import type { ImageFacts } from "../../plan/facts.ts";
import { imageOfOciSif } from "../ocisif/image-of-oci-sif.ts";
import type { Stage } from "../stage.ts";
import { unpackImage } from "../unpack/unpack-image.ts";
import { type Agent, TELLING_RUNSCRIPT } from "./agent.ts";
import { unpackOci } from "./oci.ts";
import { requireSigners } from "./signers.ts";

/** `Bootstrap: localimage`: the root of a SIF, SquashFS or ext3 file or of a directory. */
export const localimage: Agent = {
  keepsFiles: true,
  runscript: TELLING_RUNSCRIPT,
  async bootstrap(stage) {
    await unpackFile(localPath(stage), stage);
  },
};

/** The image that the header names; a relative path starts in the caller's directory. */
export function openLocalImage(stage: Pick<Stage, "recipe" | "ports">): ImageFacts {
  return openAnyImage(localPath(stage), imageHost);
}

function localPath(stage: Pick<Stage, "recipe" | "ports">): string {
  return resolvePath(stage.ports.cwd, stage.recipe.header["from"] ?? "");
}

/** Fills the root of a stage with an image that lies here; that of an OCI-SIF as with other images of layers. */
export async function unpackFile(path: string, stage: Stage): Promise<void> {
  await requireSigners(path, stage);
  const file = openImageFile(path, imageHost);
  if (isLayered(file)) {
    await unpackOci(stage, imageOfOciSif(file));
    return;
  }
  stage.ports.talk.info("Extracting local image...");
  await unpackImage(imageOf(file, imageHost), stage.root, stage.ports);
}
