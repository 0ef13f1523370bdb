import type { CommandSpec, FlagSpec } from "../spec.ts";

const CREATE_FLAGS: readonly FlagSpec[] = [
  {
    name: "bundle",
    short: "b",
    kind: "string",
    env: ["BUNDLE"],
    meta: "dir",
    values: "dir",
    help: "directory of the bundle (required)",
  },
  {
    name: "sync-socket",
    short: "s",
    kind: "string",
    env: ["SYNC_SOCKET"],
    meta: "path",
    values: "file",
    hidden: true,
    help: "socket to report states to",
  },
  {
    name: "empty-process",
    kind: "bool",
    env: ["EMPTY_PROCESS"],
    hidden: true,
    help: "start no process of the bundle",
  },
  {
    name: "log-path",
    short: "l",
    kind: "string",
    env: ["LOG_PATH"],
    meta: "file",
    values: "file",
    help: "file for its output",
  },
  {
    name: "log-format",
    kind: "string",
    env: ["LOG_FORMAT"],
    default: "kubernetes",
    meta: "name",
    values: ["basic", "kubernetes", "json"],
    hidden: true,
    help: "format of that file: basic, kubernetes or json",
  },
  {
    name: "pid-file",
    kind: "string",
    env: ["PID_FILE"],
    meta: "file",
    values: "file",
    help: "write the process id to this file",
  },
];

const ID: CommandSpec["args"] = { min: 1, max: 1, usage: "<container>", values: ["none"] };

function onContainer(name: string, summary: string, flags: readonly FlagSpec[] = []): CommandSpec {
  return { name, summary, flags, args: ID };
}

/** oci. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "oci",
    summary: "Manage OCI containers",
    flags: [],
    args: { min: 1, usage: "<command>" },
    bare: "help",
    commands: [
      onContainer("create", "Create a container from a bundle", CREATE_FLAGS),
      onContainer("run", "Create, start, attach to and delete a container", CREATE_FLAGS),
      onContainer("start", "Start a created container"),
      onContainer("delete", "Delete a container"),
      onContainer("attach", "Attach to a container's terminal"),
      onContainer("pause", "Pause all processes of a container"),
      onContainer("resume", "Let a paused container go on"),
      onContainer("state", "Show the state of a container", [
        {
          name: "sync-socket",
          short: "s",
          kind: "string",
          env: ["SYNC_SOCKET"],
          meta: "path",
          values: "file",
          hidden: true,
          help: "socket to report states to",
        },
      ]),
      {
        name: "exec",
        summary: "Run a command in a container",
        flags: [],
        args: { min: 2, usage: "<container> <command> [args...]", values: ["none"] },
      },
      {
        name: "kill",
        summary: "Send a signal to a container",
        flags: [
          {
            name: "signal",
            short: "s",
            kind: "string",
            env: ["SIGNAL"],
            default: "SIGTERM",
            meta: "name",
            help: "signal",
          },
          { name: "force", short: "f", kind: "bool", env: ["FORCE"], help: "SIGKILL" },
          {
            name: "timeout",
            short: "t",
            kind: "int",
            env: ["TIMEOUT"],
            meta: "seconds",
            help: "wait so long before killing",
          },
        ],
        args: { min: 1, max: 2, usage: "<container> [signal]", values: ["none"] },
      },
      onContainer("update", "Change the limits of a container", [
        {
          name: "from-file",
          short: "f",
          kind: "string",
          env: ["FROM_FILE"],
          meta: "file",
          values: "file",
          help: "JSON file of limits; - for standard input",
        },
      ]),
      {
        name: "mount",
        summary: "Make a bundle of a SIF",
        flags: [],
        args: { min: 2, max: 2, usage: "<image> <bundle>", values: ["image", "dir"] },
      },
      {
        name: "umount",
        summary: "Take a bundle apart",
        flags: [],
        args: { min: 1, max: 1, usage: "<bundle>", values: ["dir"] },
      },
    ],
  },
];
