import type { FlagSpec } from "../spec.ts";

/** Environment, working directory and names inside the container. */
export const ENVIRONMENT_FLAGS: readonly FlagSpec[] = [
  {
    name: "app",
    kind: "string",
    env: ["APP", "APPNAME"],
    meta: "name",
    help: "work on one application of the image (SCIF)",
  },
  {
    name: "cleanenv",
    short: "e",
    kind: "bool",
    env: ["CLEANENV"],
    help: "do not pass the caller's environment",
  },
  {
    name: "env",
    kind: "map",
    meta: "name=value",
    help: "set a variable in the container; stronger than any other source",
  },
  {
    name: "only-env",
    kind: "bool",
    hidden: true,
    help: "let the program see the variables of --env and no others",
  },
  {
    name: "env-file",
    kind: "strings",
    env: ["ENV_FILE"],
    meta: "file",
    values: "file",
    help: "set the variables that a file of shell assignments names",
  },
  {
    name: "no-env",
    kind: "strings",
    env: ["NOENV"],
    meta: "name",
    help: "do not pass these variables of the caller",
  },
  {
    name: "no-eval",
    kind: "bool",
    env: ["NO_EVAL"],
    help: "do not let a shell expand variables that are set, or the command of an OCI image",
  },
  {
    name: "no-umask",
    kind: "bool",
    env: ["NO_UMASK"],
    help: "use the umask 0022 instead of the caller's",
  },
  {
    name: "hostname",
    kind: "string",
    env: ["HOSTNAME"],
    meta: "name",
    help: "set the host name of the container; implies --uts",
  },
  {
    name: "dns",
    kind: "string",
    env: ["DNS"],
    meta: "address,...",
    help: "name servers for /etc/resolv.conf",
  },
];

/** For the actions that run in the foreground. */
export const CWD_FLAG: FlagSpec = {
  name: "cwd",
  kind: "string",
  env: ["CWD", "TARGET_CWD", "PWD", "TARGET_PWD"],
  aliases: [{ name: "pwd", hidden: true }],
  meta: "dir",
  help: "working directory in the container",
};
