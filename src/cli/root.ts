import { packGlobalFlags } from "./_global-flags.ts" with { type: "macro" };
import { unpackFlags } from "./flag-index.ts";
import type { CommandSpec, FlagSpec, PackedFlag } from "./spec.ts";

const ROWS: readonly PackedFlag[] = packGlobalFlags();

/** The program itself: the flags that stand before a command. */
export const ROOT: CommandSpec = {
  name: "skiff",
  summary: "Run container images as if they were local programs",
  description: [
    "skiff runs images in the SIF, SquashFS and ext3 formats and plain directories without privileges and without a service, builds and inspects them, and takes the command line, variables and files of Singularity and Apptainer.",
  ],
  args: { min: 0, usage: "<command>" },
  packed: ROWS,
  get flags(): readonly FlagSpec[] {
    return unpackFlags(ROWS);
  },
  examples: [
    { text: "Explain a command", command: "help exec" },
    { text: "Explain a command of a group", command: "help sif dump" },
  ],
};
