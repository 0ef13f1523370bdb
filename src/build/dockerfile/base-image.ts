import { mkdirSync } from "node:fs";
import { Fault } from "../../base/fault.ts";
import { decodeOsText } from "../../base/os-text.ts";
import { headerRecipe, type StageRecipe } from "../../format/deffile/recipe.ts";
import {
  EMPTY_STATE,
  type ImageState,
  stateOfConfig,
} from "../../format/dockerfile/image-state.ts";
import { parseImageConfig } from "../../format/oci/image-config.ts";
import type { OciImage } from "../../format/oci/oci-image.ts";
import { imageOfStage } from "../oci/image-of-stage.ts";
import { unpackMerged } from "../oci/unpack-merged.ts";
import type { BuildPorts, StageOptions } from "../stage.ts";
import type { Step } from "../step.ts";

/** An image that a FROM or `--from` names, opened. */
export interface BaseImage {
  readonly state: ImageState;
  readonly step: Step;
}

/** Names in front of an image address that stand for where it lies. */
const TRANSPORT = /^(docker|docker-archive|docker-daemon|oci|oci-archive):(?:\/\/)?(.+)$/s;

/**
 * Opens the image that a word names: `scratch`, a name in a registry, or `oci-archive:FILE` and its
 * like. Its layers are read when the step runs.
 *
 * @param folder for the image that a Docker daemon writes; stays as long as the build.
 */
export async function openBase(
  word: string,
  line: number,
  ports: BuildPorts,
  options: StageOptions,
  folder: string,
): Promise<BaseImage> {
  if (word === "scratch") return { state: EMPTY_STATE, step: scratchStep(line) };
  const [, transport = "docker", from = word] = TRANSPORT.exec(word) ?? [];
  const recipe: StageRecipe = headerRecipe({ bootstrap: transport, from });
  let image: OciImage;
  try {
    image = await imageOfStage({ recipe, ports, options }, folder);
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    throw new Fault(cause.code, `FROM ${word}: ${cause.message}`, {
      cause,
      exitCode: cause.exitCode,
      ...(cause.hint === undefined ? {} : { hint: cause.hint }),
    });
  }
  const text = decodeOsText(image.config);
  // Says what is wrong with it before anything is built.
  parseImageConfig(text, image.reference);
  return { state: stateOfConfig(text), step: imageStep(word, line, image) };
}

function scratchStep(line: number): Step {
  return {
    title: "FROM scratch",
    line,
    inputs: () => new Map([["image", "scratch"]]),
    run: (stage) => {
      mkdirSync(stage.root, { recursive: true, mode: 0o755 });
      return Promise.resolve();
    },
  };
}

/** Unpacks the merged layers of an image, without the scripts that other images of ours have. */
function imageStep(word: string, line: number, image: OciImage): Step {
  return {
    title: `FROM ${word}`,
    line,
    inputs: () => new Map([["image", image.manifestDigest]]),
    async run(stage) {
      const { ports } = stage;
      const config = parseImageConfig(decodeOsText(image.config), image.reference);
      mkdirSync(stage.root, { recursive: true, mode: 0o755 });
      ports.talk.verbose(`Extracting ${word}`);
      await unpackMerged(image, stage.root, {
        impliedTime: config.createdSeconds,
        ports,
        lost: stage.owners,
      });
    },
  };
}
