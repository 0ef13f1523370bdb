import type { CommandSpec } from "../spec.ts";

const ONE_IMAGE: CommandSpec["args"] = { min: 1, max: 1, usage: "<image>", values: ["image"] };
const ONE_NAME: CommandSpec["args"] = { min: 1, max: 1, usage: "<name>", values: ["none"] };

/** overlay, data, checkpoint. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "overlay",
    summary: "Make writable overlays",
    flags: [],
    args: { min: 1, usage: "<command>" },
    commands: [
      {
        name: "create",
        summary: "Make an ext3 overlay, in a new file or in an image",
        flags: [
          {
            name: "size",
            short: "s",
            kind: "int",
            env: ["SIZE"],
            default: "64",
            meta: "MiB",
            help: "size, at least 64",
          },
          {
            name: "sparse",
            short: "S",
            kind: "bool",
            env: ["SPARSE"],
            help: "take room only as it is used",
          },
          {
            name: "create-dir",
            kind: "strings",
            env: ["CREATE_DIR"],
            meta: "dir",
            help: "directory to make in the overlay",
          },
          {
            name: "fakeroot",
            short: "f",
            kind: "bool",
            env: ["FAKEROOT"],
            help: "for use with --fakeroot",
          },
        ],
        args: { min: 1, max: 1, usage: "<image>", values: ["file"] },
      },
      {
        name: "seal",
        summary: "Make the overlay of an OCI-SIF read-only",
        flags: [],
        args: ONE_IMAGE,
      },
      {
        name: "sync",
        summary: "Bring the digest of an OCI-SIF's overlay up to date",
        flags: [],
        args: ONE_IMAGE,
      },
    ],
    examples: [{ text: "Make one", command: "overlay create --size 1024 work.img" }],
  },
  {
    name: "data",
    summary: "Make data containers",
    planned: true,
    flags: [],
    args: { min: 1, usage: "<command>" },
    commands: [
      {
        name: "package",
        summary: "Pack a file or directory as a data container",
        flags: [],
        args: { min: 2, max: 2, usage: "<source> <target>", values: ["file"] },
      },
    ],
  },
  {
    name: "checkpoint",
    summary: "Manage checkpoints of instances",
    flags: [],
    args: { min: 1, usage: "<command>" },
    bare: "help",
    commands: [
      { name: "list", summary: "List checkpoints", flags: [], args: { min: 0, max: 0, usage: "" } },
      { name: "create", summary: "Make an empty checkpoint", flags: [], args: ONE_NAME },
      { name: "delete", summary: "Delete a checkpoint", flags: [], args: ONE_NAME },
      {
        name: "instance",
        summary: "Save the state of a running instance",
        flags: [
          {
            name: "home",
            short: "H",
            kind: "string",
            env: ["HOME"],
            meta: "src[:dest]",
            values: "dir",
            help: "use this directory as home, in the container at dest",
          },
        ],
        args: ONE_NAME,
      },
    ],
  },
];
