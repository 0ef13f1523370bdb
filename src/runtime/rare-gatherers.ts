import type { RareGatherers } from "./gather.ts";
import { gatherClear } from "./gather-clear.ts";
import { gatherControls } from "./gather-controls.ts";
import { gatherGpu } from "./gather-gpu.ts";
import { startScope } from "./systemd-scope.ts";

/** Everything that a launch may ask for. */
export const RARE_GATHERERS: RareGatherers = {
  gpu: gatherGpu,
  clear: gatherClear(undefined),
  controls: gatherControls,
  scope: startScope,
};
