import type { CommandSpec } from "../spec.ts";

/** inspect, run-help. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "inspect",
    summary: "Show what is written in an image about it",
    description: ["Shows the labels, or the parts that are asked for, as text or JSON."],
    flags: [
      { name: "labels", short: "l", kind: "bool", help: "labels (the default)" },
      { name: "deffile", short: "d", kind: "bool", help: "definition it was built by" },
      { name: "runscript", short: "r", kind: "bool", help: "script of run" },
      { name: "startscript", short: "s", kind: "bool", help: "script of instance start" },
      { name: "test", short: "t", kind: "bool", help: "script of test" },
      { name: "helpfile", short: "H", kind: "bool", help: "help text" },
      { name: "environment", short: "e", kind: "bool", help: "environment files" },
      { name: "list-apps", kind: "bool", help: "names of its applications (SCIF)" },
      { name: "app", kind: "string", meta: "name", help: "the same of one application" },
      { name: "json", short: "j", kind: "bool", help: "as JSON" },
      { name: "all", kind: "bool", help: "everything, as JSON" },
      { name: "sbom", kind: "bool", help: "packages in it, as SPDX JSON" },
    ],
    args: { min: 1, max: 1, usage: "<image>", values: ["image"] },
    examples: [
      { text: "Labels", command: "inspect tools.sif" },
      { text: "Definition file", command: "inspect -d tools.sif" },
      { text: "Packages in it", command: "inspect --sbom tools.sif" },
      { text: "All, for a program", command: "inspect --all tools.sif" },
    ],
  },
  {
    name: "run-help",
    summary: "Show the help text of an image",
    flags: [{ name: "app", kind: "string", meta: "name", help: "help of one application" }],
    args: { min: 1, max: 1, usage: "<image>", values: ["image"] },
    examples: [{ text: "Show it", command: "run-help tools.sif" }],
  },
];
