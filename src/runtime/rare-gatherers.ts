import { imageHost } from "../host/image-host.ts";
import type { RareGatherers } from "./gather.ts";
import { gatherControls } from "./gather-controls.ts";
import { gatherGpu } from "./gather-gpu.ts";
import { startScope } from "./systemd-scope.ts";

/** Everything that a launch may ask for. */
export const RARE_GATHERERS: RareGatherers = {
  gpu: gatherGpu,
  admit: async (question) => {
    const { admit } = await import("./admission/admit.ts");
    return await admit(question);
  },
  clear: async (...facts) => {
    const { gatherClear } = await import("./gather-clear.ts");
    return await gatherClear(undefined)(...facts);
  },
  layers: async (file) => {
    const { openAsOci } = await import("../image/ocisif/oci-image.ts");
    return openAsOci(file, imageHost);
  },
  oci: async (plan, host, options) => {
    const { startByOci } = await import("./oci/start-by-oci.ts");
    return await startByOci(plan, host, options);
  },
  controls: gatherControls,
  scope: startScope,
};
