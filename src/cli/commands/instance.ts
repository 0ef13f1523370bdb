import type { CommandSpec, FlagSpec } from "../spec.ts";
import { PRESENT_LAUNCH_FLAGS } from "./_flags-action.ts";

const USER_FLAG: FlagSpec = {
  name: "user",
  short: "u",
  kind: "string",
  env: ["USER"],
  meta: "name",
  help: "instances of this user (root only)",
};

const JSON_FLAG: FlagSpec = {
  name: "json",
  short: "j",
  kind: "bool",
  env: ["JSON"],
  help: "as JSON",
};

const START_FLAGS: readonly FlagSpec[] = [
  ...PRESENT_LAUNCH_FLAGS,
  { name: "boot", kind: "bool", env: ["BOOT"], help: "run /sbin/init of the image (root only)" },
  {
    name: "pid-file",
    kind: "string",
    env: ["PID_FILE"],
    meta: "file",
    values: "file",
    help: "write the process id of the instance to this file",
  },
  {
    name: "dmtcp-launch",
    kind: "string",
    env: ["DMTCP_LAUNCH"],
    meta: "name",
    help: "start it under DMTCP, which saves its state to this checkpoint",
  },
  {
    name: "dmtcp-restart",
    kind: "string",
    env: ["DMTCP_RESTART"],
    meta: "name",
    help: "start it from the state that DMTCP saved to this checkpoint",
  },
];

/** instance. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "instance",
    summary: "Manage containers that run in the background",
    description: [
      "An instance is a container that goes on in the background under a name: a server, say. It has a PID namespace of its own, whose process 1 passes signals on; what its program prints goes to log files. exec, run and shell start further programs in it: name it as instance://NAME in the place of an image.",
    ],
    flags: [],
    args: { min: 1, usage: "<command>" },
    commands: [
      {
        name: "start",
        summary: "Start an instance with the image's start script",
        flags: START_FLAGS,
        args: { min: 2, usage: "<image> <name> [args...]", values: ["image", "none", "file"] },
      },
      {
        name: "run",
        summary: "Start an instance with the image's run script",
        flags: START_FLAGS,
        args: { min: 2, usage: "<image> <name> [args...]", values: ["image", "none", "file"] },
      },
      {
        name: "list",
        summary: "List instances",
        flags: [
          USER_FLAG,
          JSON_FLAG,
          {
            name: "logs",
            short: "l",
            kind: "bool",
            env: ["LOGS"],
            help: "show where their output goes",
          },
          { name: "all", short: "a", kind: "bool", env: ["ALL"], help: "those of --sharens too" },
        ],
        args: { min: 0, max: 1, usage: "[name pattern]", values: ["none"] },
      },
      {
        name: "stop",
        summary: "Stop instances",
        flags: [
          { name: "all", short: "a", kind: "bool", env: ["ALL"], help: "all of the user" },
          { name: "force", short: "F", kind: "bool", env: ["FORCE"], help: "kill at once" },
          {
            name: "signal",
            short: "s",
            kind: "string",
            env: ["SIGNAL"],
            meta: "name",
            help: "signal to send; SIGINT if not given",
          },
          {
            name: "timeout",
            short: "t",
            kind: "int",
            default: "10",
            meta: "seconds",
            help: "kill after this time",
          },
          USER_FLAG,
        ],
        args: { min: 0, max: 1, usage: "[name pattern]", values: ["none"] },
      },
      {
        name: "stats",
        summary: "Show what an instance uses",
        flags: [
          USER_FLAG,
          JSON_FLAG,
          { name: "no-stream", kind: "bool", help: "once, instead of again and again" },
        ],
        args: { min: 1, max: 1, usage: "<name>", values: ["none"] },
      },
      {
        name: "unit",
        summary: "Print a systemd user unit that starts a running instance again",
        description: [
          "The unit starts the instance with the options, the image and the arguments that it was started with, and starts it anew when it fails.",
        ],
        flags: [],
        args: { min: 1, max: 1, usage: "<name>", values: ["none"] },
      },
    ],
    examples: [
      { text: "Start a server", command: "instance start --bind data:/data server.sif web" },
      { text: "Run a program beside it", command: "exec instance://web ps" },
      { text: "List those of one kind", command: "instance list 'web*'" },
      { text: "Stop it by SIGTERM", command: "instance stop --signal TERM web" },
    ],
  },
];
