import { packFlags } from "./flag-index.ts";
import type { FlagSpec, PackedFlag } from "./spec.ts";

/** The flags that stand before a command. */
export const GLOBAL_FLAGS: readonly FlagSpec[] = [
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
];

/** Rows of GLOBAL_FLAGS. Called as a macro: the program holds its result. */
export function packGlobalFlags(): readonly PackedFlag[] {
  return packFlags(GLOBAL_FLAGS);
}
