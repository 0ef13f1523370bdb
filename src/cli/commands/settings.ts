import type { CommandSpec, FlagSpec } from "../spec.ts";

const CAP_FLAGS: readonly FlagSpec[] = [
  {
    name: "user",
    short: "u",
    kind: "string",
    env: ["CAP_USER"],
    meta: "name",
    help: "of this user",
  },
  {
    name: "group",
    short: "g",
    kind: "string",
    env: ["CAP_GROUP"],
    meta: "name",
    help: "of this group",
  },
];

/** config, capability. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "config",
    summary: "Change the configuration",
    flags: [],
    args: { min: 1, usage: "<command>" },
    bare: "help",
    commands: [
      {
        name: "fakeroot",
        summary: "Manage the sub-ids of a user (root only)",
        description: ["Edits /etc/subuid and /etc/subgid. Exactly one option says how."],
        flags: [
          { name: "add", short: "a", kind: "bool", help: "give the user a range of ids" },
          { name: "remove", short: "r", kind: "bool", help: "take it away" },
          { name: "enable", short: "e", kind: "bool", help: "allow a range that was disabled" },
          { name: "disable", short: "d", kind: "bool", help: "keep the range but forbid its use" },
        ],
        args: { min: 1, max: 1, usage: "<user>", values: ["none"] },
      },
      {
        name: "global",
        summary: "Show or change a directive of the configuration file",
        flags: [
          { name: "set", short: "s", kind: "bool", help: "set it; a list gets the value in front" },
          { name: "unset", short: "u", kind: "bool", help: "remove it; of a list, the value" },
          { name: "get", short: "g", kind: "bool", help: "show it" },
          { name: "reset", short: "r", kind: "bool", help: "give it its default" },
          {
            name: "dry-run",
            short: "d",
            kind: "bool",
            help: "show the new file instead of writing it",
          },
        ],
        args: { min: 1, usage: "<directive> [value,...]", values: ["none"] },
      },
    ],
    examples: [
      { text: "Show a directive", command: 'config global --get "bind path"' },
      { text: "Let a user have many ids", command: "config fakeroot --add user" },
    ],
  },
  {
    name: "capability",
    summary: "Manage capabilities of users and groups",
    flags: [],
    args: { min: 1, usage: "<command>" },
    commands: [
      {
        name: "add",
        summary: "Allow capabilities (root only)",
        flags: CAP_FLAGS,
        args: { min: 1, max: 1, usage: "<name,...>", values: ["none"] },
      },
      {
        name: "drop",
        summary: "Take allowed capabilities away (root only)",
        flags: CAP_FLAGS,
        args: { min: 1, max: 1, usage: "<name,...>", values: ["none"] },
      },
      {
        name: "list",
        summary: "List allowed capabilities",
        flags: [],
        args: { min: 0, max: 1, usage: "[user or group]", values: ["none"] },
      },
      {
        name: "avail",
        summary: "Describe capabilities",
        flags: [],
        args: { min: 0, max: 1, usage: "[name,...]", values: ["none"] },
      },
    ],
    examples: [{ text: "Allow one", command: "capability add --user user CAP_NET_RAW" }],
  },
];
