import { recipeFromImage } from "../../format/deffile/recipe.ts";
import type { OciImage } from "../../format/oci/oci-image.ts";
import { wantedPlatform } from "../../format/oci/platform.ts";
import { convertOciImage } from "../oci/convert.ts";
import type { ConvertProgress } from "../oci/convert-progress.ts";
import type { RemoteAccess, Step } from "./access.ts";

/** Who follows a conversion. */
export interface ConversionHooks {
  /** Ends it. */
  readonly stop?: AbortSignal;
  /** Whether all layers are here; default yes. */
  isFetched?(): boolean;
  tell(done: number, total: number): void;
}

/** Converts an image to a SIF at `path` and shows how far that is. */
export async function convertToSif(
  image: OciImage,
  path: string,
  access: RemoteAccess,
  hooks: ConversionHooks,
): Promise<void> {
  const text = image.reference;
  const [, agent = "", from = ""] = /^([a-z-]+):(?:\/\/)?(.*)$/s.exec(text) ?? [];
  const { hostArch } = access.wish;
  const signals = [access.signal, hooks.stop].filter((signal) => signal !== undefined);
  let packing: Step | undefined;
  try {
    const common = {
      talk: { ...access.talk, info: (line: string) => access.talk.verbose(line) },
      progress: ({ doneBytes, totalBytes }: ConvertProgress) => {
        hooks.tell(doneBytes, totalBytes);
        if (hooks.isFetched?.() === false) return;
        packing ??= access.step(`Creating the SIF of ${text}`, totalBytes);
        packing.update(doneBytes);
      },
      tool: (name: string) => access.tool(name),
      version: access.version,
      mksquashfsArgs: access.mksquashfsArgs,
      processors: access.processors,
      memory: access.memory,
      sourceDateEpoch: access.sourceDateEpoch,
      signal: AbortSignal.any(signals),
    };
    if (access.ociSif !== undefined) {
      const { convertToOciSif } = await import("../ocisif/convert.ts");
      return await convertToOciSif(image, path, { ...common, ...access.ociSif });
    }
    const recipe = recipeFromImage(agent, from);
    await convertOciImage(image, path, {
      ...common,
      recipe,
      hostArch,
      wantedArch: wantedPlatform(access.wish).arch,
      peerVersion: access.peerVersion,
    });
  } finally {
    packing?.finish();
  }
}
