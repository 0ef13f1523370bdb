import type { CommandSpec, FlagSpec } from "../spec.ts";
import { LAUNCH_FLAGS } from "./_flags-action.ts";

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
  ...LAUNCH_FLAGS,
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
    help: "checkpoint to save its state to",
  },
  {
    name: "dmtcp-restart",
    kind: "string",
    env: ["DMTCP_RESTART"],
    meta: "name",
    help: "checkpoint to restart it from",
  },
];

/** instance. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "instance",
    summary: "Manage containers that run in the background",
    // No instance can be started yet, so that there is none to list or to stop is the truth.
    hidden: true,
    flags: [],
    args: { min: 1, usage: "<command>" },
    commands: [
      {
        name: "start",
        planned: true,
        summary: "Start an instance with the image's start script",
        flags: START_FLAGS,
        args: { min: 2, usage: "<image> <name> [args...]", values: ["image", "none", "file"] },
      },
      {
        name: "run",
        planned: true,
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
        faults: "usage",
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
        faults: "usage",
      },
    ],
    examples: [{ text: "List those of one kind", command: "instance list 'web*'" }],
  },
];
