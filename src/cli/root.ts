import type { CommandSpec } from "./spec.ts";

/** The program itself: the flags that stand before a command. */
export const ROOT: CommandSpec = {
  name: "skiff",
  summary: "Run container images as if they were local programs",
  description: [
    "skiff runs images in the SIF, SquashFS and ext3 formats and plain directories without privileges and without a service, builds and inspects them, and takes the command line, variables and files of Singularity and Apptainer.",
  ],
  args: { min: 0, usage: "<command>" },
  flags: [
    {
      name: "debug",
      short: "d",
      kind: "bool",
      env: ["DEBUG"],
      help: "show what is done in every detail",
    },
    {
      name: "verbose",
      short: "v",
      kind: "bool",
      env: ["VERBOSE"],
      help: "show more of what is done",
    },
    { name: "quiet", short: "q", kind: "bool", env: ["QUIET"], help: "only warnings and errors" },
    { name: "silent", short: "s", kind: "bool", env: ["SILENT"], help: "only errors" },
    { name: "nocolor", kind: "bool", env: ["NOCOLOR"], help: "no colours" },
    {
      name: "config",
      short: "c",
      kind: "string",
      env: ["CONFIG_FILE"],
      meta: "file",
      values: "file",
      help: "use this configuration file instead of the system's",
    },
    {
      name: "build-config",
      kind: "bool",
      help: "use the built-in configuration for building, without bind paths, home and resolv.conf",
    },
    { name: "version", kind: "bool", help: "show name and version" },
  ],
  examples: [
    { text: "Explain a command", command: "help exec" },
    { text: "Explain a command of a group", command: "help instance start" },
  ],
};
