import { Fault } from "../../base/fault.ts";
import type { StageRecipe } from "../../format/deffile/recipe.ts";
import type { OciImage } from "../../format/oci/oci-image.ts";
import { wantedPlatform } from "../../format/oci/platform.ts";
import { saveImage } from "../../registry/daemon/save-image.ts";
import type { Stage } from "../stage.ts";
import { isLocalTransport, openLocalOciImage } from "./sources/open-local-image.ts";

/** Agents whose root comes from an OCI or Docker image. */
export const OCI_AGENTS: readonly string[] = [
  "docker",
  "docker-archive",
  "docker-daemon",
  "oci",
  "oci-archive",
];

const opened = new WeakMap<StageRecipe, Promise<OciImage>>();

/**
 * Opens the image that the header of a stage names; once for each stage, however often it is asked for.
 *
 * @param folder where an image lies that a Docker daemon writes, or an archive is decompressed; as long as the image is read.
 */
export function imageOfStage(stage: ImageStage, folder: string): Promise<OciImage> {
  let image = opened.get(stage.recipe);
  if (image === undefined) {
    image = openImageOf(stage, folder);
    opened.set(stage.recipe, image);
  }
  return image;
}

type ImageStage = Pick<Stage, "recipe" | "ports" | "options">;

async function openImageOf(stage: ImageStage, folder: string): Promise<OciImage> {
  const { header } = stage.recipe;
  const agent = header["bootstrap"] ?? "";
  const from = header["from"] ?? "";
  const { arch } = stage.options;
  const platform = wantedPlatform({ arch: "", variant: "", platform: "", hostArch: arch });
  if (agent === "docker-daemon") {
    const { env, signal } = stage.ports;
    const archive = `${folder}/docker-daemon.tar`;
    await saveImage(env["DOCKER_HOST"] ?? "", from.replace(/^\/\//, ""), archive, signal);
    const image = await openLocalOciImage("docker-archive", archive, "/", platform, folder);
    return { ...image, reference: `docker-daemon:${from}` };
  }
  if (isLocalTransport(agent)) {
    return await openLocalOciImage(agent, from, stage.ports.cwd, platform, folder);
  }
  const open = stage.ports.openRemoteImage;
  if (agent !== "docker" || open === undefined) {
    throw new Fault("unsupported", `Cannot open an image by ${agent}: here`);
  }
  // Registry and namespace come before the name; the name may be written as an address.
  const name = from.replace(/^(?:docker:)?\/\//, "");
  const parts = [header["registry"] ?? "", header["namespace"] ?? "", name];
  const address = parts.map((part) => part.replace(/^\/+|\/+$/g, "")).filter((part) => part !== "");
  return await open(`docker://${address.join("/")}`);
}
