import type { CommandSpec } from "../spec.ts";

const NAME: CommandSpec["args"] = { min: 1, max: 1, usage: "<name>", values: ["none"] };

/** plugin. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "plugin",
    summary: "Manage plugins",
    hidden: true,
    flags: [],
    args: { min: 1, usage: "<command>" },
    commands: [
      { name: "list", summary: "List plugins", flags: [], args: { min: 0, max: 0, usage: "" } },
      {
        name: "install",
        summary: "Install a plugin",
        flags: [],
        args: { min: 1, max: 1, usage: "<sif>", values: ["file"] },
      },
      { name: "uninstall", summary: "Remove a plugin", flags: [], args: NAME },
      { name: "enable", summary: "Enable a plugin", flags: [], args: NAME },
      { name: "disable", summary: "Disable a plugin", flags: [], args: NAME },
      { name: "inspect", summary: "Describe a plugin", flags: [], args: NAME },
      {
        name: "create",
        summary: "Make a directory to write a plugin in",
        flags: [],
        args: { min: 2, max: 2, usage: "<dir> <name>", values: ["dir", "none"] },
      },
      {
        name: "compile",
        summary: "Compile a plugin",
        flags: [
          {
            name: "out",
            short: "o",
            kind: "string",
            meta: "file",
            values: "file",
            help: "file to write",
          },
        ],
        args: { min: 1, max: 1, usage: "<dir>", values: ["dir"] },
      },
    ],
  },
];
