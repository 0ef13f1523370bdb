import { resolvePath } from "../../base/path.ts";
import { imageHost } from "../../host/image-host.ts";
import { openAnyImage } from "../../image/ocisif/open-oci-sif.ts";
import type { ImageFacts } from "../../plan/facts.ts";
import type { Stage } from "../stage.ts";
import { unpackImage } from "../unpack/unpack-image.ts";
import { type Agent, TELLING_RUNSCRIPT } from "./agent.ts";

/** `Bootstrap: localimage`: the root of a SIF, SquashFS or ext3 file or of a directory. */
export const localimage: Agent = {
  keepsFiles: true,
  runscript: TELLING_RUNSCRIPT,
  async bootstrap(stage) {
    stage.ports.talk.info("Extracting local image...");
    await unpackImage(openLocalImage(stage), stage.root, stage.ports);
  },
};

/** The image that the header names; a relative path starts in the caller's directory. */
export function openLocalImage(stage: Pick<Stage, "recipe" | "ports">): ImageFacts {
  const from = stage.recipe.header["from"] ?? "";
  return openAnyImage(resolvePath(stage.ports.cwd, from), imageHost);
}
