import type { CommandSpec, FlagSpec } from "../spec.ts";

const TYPE_FLAG: FlagSpec = {
  name: "type",
  short: "T",
  kind: "strings",
  default: "all",
  meta: "name",
  values: ["library", "oci", "shub", "blob", "net", "oras", "build", "all"],
  help: "kinds of entries: library, oci, shub, blob, net, oras, build or all",
};

/** cache. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "cache",
    summary: "Manage the cache of images",
    flags: [],
    args: { min: 1, usage: "<command>" },
    commands: [
      {
        name: "list",
        summary: "List what the cache holds",
        flags: [
          TYPE_FLAG,
          { name: "verbose", short: "v", kind: "bool", help: "each entry" },
          { name: "json", kind: "bool", help: "each entry, as JSON" },
        ],
        args: { min: 0, usage: "" },
      },
      {
        name: "clean",
        summary: "Delete entries of the cache",
        flags: [
          TYPE_FLAG,
          {
            name: "days",
            short: "D",
            kind: "int",
            meta: "n",
            help: "only entries older than this many days",
          },
          {
            name: "keep",
            kind: "string",
            meta: "size",
            help: "keep this much, such as 20G: what was unused for longest goes first",
          },
          {
            name: "reference",
            kind: "string",
            meta: "text",
            help: "only images fetched from an address that contains this",
          },
          { name: "dry-run", short: "n", kind: "bool", help: "only show what would be deleted" },
          { name: "force", short: "f", kind: "bool", help: "do not ask" },
        ],
        args: { min: 0, usage: "" },
      },
    ],
    examples: [
      { text: "See the entries", command: "cache list -v" },
      { text: "Delete what is older than a month", command: "cache clean --days 30" },
    ],
  },
];
