import type { RareGatherers } from "./gather.ts";
import { gatherControls } from "./gather-controls.ts";
import { gatherGpu } from "./gather-gpu.ts";
import { startScope } from "./systemd-scope.ts";

/** Everything that a launch may ask for. */
export const RARE_GATHERERS: RareGatherers = {
  gpu: gatherGpu,
  controls: gatherControls,
  scope: startScope,
};
