import { type Agent, SILENT_RUNSCRIPT } from "./agent.ts";

/** `Bootstrap: scratch`: nothing but the skeleton that all images get. */
export const scratch: Agent = {
  keepsFiles: false,
  runscript: SILENT_RUNSCRIPT,
  bootstrap: () => Promise.resolve(),
};
