import type { ImageFile } from "../image/image-file.ts";
import {
  type Attributes,
  NO_ATTRIBUTES,
  pickSections,
  type Selection,
} from "../image/inspect/attributes.ts";
import { readOciImage } from "../image/ocisif/open-oci-sif.ts";
import { ociScripts, RUNSCRIPT } from "../plan/oci/image-scripts.ts";

/** What the configuration of an OCI-SIF says about it, as of a SIF that was made of the same image. */
export function inspectOciSif(file: ImageFile, { sections, of }: Selection): Attributes {
  if (of.kind === "app") return NO_ATTRIBUTES;
  const { config } = readOciImage(file);
  const scripts = ociScripts(config, false);
  const trimmed = [...scripts].map(([path, text]) => [path, text.replace(/\n+$/, "")] as const);
  return {
    ...NO_ATTRIBUTES,
    ...pickSections(
      {
        ...NO_ATTRIBUTES,
        labels: new Map(Object.entries(config.labels)),
        environment: new Map(trimmed.filter(([path]) => path !== RUNSCRIPT)),
        runscript: new Map(trimmed).get(RUNSCRIPT) ?? "",
      },
      sections,
    ),
  };
}
