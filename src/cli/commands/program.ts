import type { CommandSpec } from "../spec.ts";

const SHELLS: readonly string[] = ["bash", "fish", "powershell", "zsh"];

/** help, version, completion, man, buildcfg, confgen. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "help",
    summary: "Explain a command",
    flags: [],
    args: { min: 0, usage: "[command [sub-command]]", values: ["none"] },
    examples: [{ text: "Explain a command of a group", command: "help sif dump" }],
  },
  {
    name: "version",
    summary: "Show the version",
    flags: [
      { name: "json", kind: "bool", help: "name and version as JSON, the same under every name" },
    ],
    args: { min: 0, usage: "" },
    examples: [{ text: "For a program", command: "version --json" }],
  },
  {
    name: "completion",
    summary: "Print a completion script for a shell",
    flags: [],
    args: { min: 1, max: 1, usage: "<shell>", values: [SHELLS] },
    bare: "help",
    commands: SHELLS.map((shell) => ({
      name: shell,
      summary: `For ${shell}`,
      flags: [{ name: "no-descriptions", kind: "bool", help: "only names" }],
      args: { min: 0, max: 0, usage: "" },
    })),
    examples: [
      {
        text: "Now, in bash",
        command: "completion bash > ~/.local/share/bash-completion/completions/skiff",
      },
      { text: "In fish", command: "completion fish > ~/.config/fish/completions/skiff.fish" },
    ],
  },
  {
    name: "__complete",
    summary: "Answer a completion script",
    hidden: true,
    flags: [],
    args: { min: 0, usage: "-- <words>...", values: ["none"] },
  },
  {
    name: "__network",
    summary: "Connect the network of a container",
    hidden: true,
    flags: [],
    args: { min: 3, max: 4, usage: "<verb> <task> <pid> [namespace]", values: ["none"] },
  },
  {
    name: "man",
    summary: "Print the manual page of a command",
    hidden: true,
    flags: [],
    args: { min: 0, usage: "[command [sub-command]]", values: ["none"] },
  },
  {
    name: "buildcfg",
    summary: "Show what was set when the program was built",
    hidden: true,
    flags: [],
    args: { min: 0, max: 1, usage: "[name]", values: ["none"] },
    faults: "usage",
  },
  {
    name: "confgen",
    summary: "Write a configuration file, keeping the values of an old one",
    planned: true,
    hidden: true,
    flags: [],
    args: { min: 1, max: 2, usage: "[old file] <file>", values: ["file"] },
  },
];
