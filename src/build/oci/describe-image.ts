import { encodeOsText } from "../../base/os-text.ts";
import type { Recipe } from "../../format/deffile/recipe.ts";
import type { ImageConfig } from "../../format/oci/image-config.ts";
import type { OciImage } from "../../format/oci/oci-image.ts";
import { writeOciEnvironment, writeOciRunscript } from "../../plan/env/oci-scripts.ts";
import { labelsJson } from "../metadata/labels-json.ts";
import { planMetadata } from "../metadata/plan-metadata.ts";
import type { EditedView } from "../root/edited-view.ts";
import { makeDirectories, planSkeleton, writeFile } from "../root/skeleton.ts";
import type { Talk } from "../talk.ts";

/** What an image says of itself besides its configuration. */
export interface DescribeInput {
  readonly recipe: Recipe;
  readonly base: OciImage["base"];
  readonly time: Date;
  /** GOARCH name. */
  readonly arch: string;
  /** This program's version, and that of the peer whose behaviour it has. */
  readonly version: string;
  readonly peerVersion: string;
  /** Whether labels and help of the definition replace the image's. */
  readonly force: boolean;
  /** Whether `--section` lets a section in. */
  hasSection(name: string): boolean;
}

/**
 * Plans what makes an OCI root an image: environment, labels and runscript of the configuration
 * (reference: runtime.md 3.1), then skeleton and metadata as any built image has them.
 */
export function describeImage(
  view: EditedView,
  config: ImageConfig,
  input: DescribeInput,
  talk: Talk,
): void {
  planOciFiles(view, config, input.base);
  planSkeleton(view, true, ociRunscript(config));
  const [recipe] = input.recipe.stages;
  if (recipe === undefined) return;
  planMetadata(
    view,
    {
      recipe,
      text: input.recipe.text,
      time: input.time,
      arch: input.arch,
      version: input.version,
      peerVersion: input.peerVersion,
      force: input.force,
      withHeader: true,
      hasSection: input.hasSection,
    },
    talk,
  );
}

/** Plans the environment and labels of the configuration, with the image of a registry that it is (as apptainer 1.5 does). */
export function planOciFiles(view: EditedView, config: ImageConfig, base?: OciImage["base"]): void {
  if (makeDirectories(view, "/.singularity.d/env") === undefined) return;
  const put = (path: string, mode: number, text: string): void =>
    writeFile(view, `/.singularity.d/${path}`, mode, encodeOsText(text), true);
  put("env/10-docker2singularity.sh", 0o755, writeOciEnvironment(config.env));
  const labels = new Map(Object.entries(config.labels));
  if (base !== undefined) {
    labels.set("org.opencontainers.image.base.name", base.name);
    labels.set("org.opencontainers.image.base.digest", base.digest);
  }
  put("labels.json", 0o644, labelsJson(labels));
}

/** Text of the runscript. */
export function ociRunscript(config: ImageConfig): string {
  return writeOciRunscript(config.entrypoint, config.cmd);
}
