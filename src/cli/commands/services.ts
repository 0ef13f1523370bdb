import type { CommandSpec, FlagSpec } from "../spec.ts";
import { AUTHFILE_FLAG, NO_HTTPS_FLAG } from "./_flags-registry.ts";

const CONFIG_FLAG: FlagSpec = {
  name: "config",
  short: "c",
  kind: "string",
  meta: "file",
  values: "file",
  help: "file of the configured services",
};

const GLOBAL_FLAG: FlagSpec = {
  name: "global",
  short: "g",
  kind: "bool",
  help: "the list for all users; only root may change it",
};

const TOKENFILE_FLAG: FlagSpec = {
  name: "tokenfile",
  kind: "string",
  meta: "file",
  values: "file",
  help: "file with the token to log in with",
};

const LOGIN_FLAGS: readonly FlagSpec[] = [
  {
    name: "username",
    short: "u",
    kind: "string",
    env: ["LOGIN_USERNAME"],
    meta: "name",
    help: "name to log in with",
  },
  {
    name: "password",
    short: "p",
    kind: "string",
    env: ["LOGIN_PASSWORD"],
    meta: "password",
    help: "password or token to log in with",
  },
  { name: "password-stdin", kind: "bool", help: "read the password from standard input" },
];

function service(
  name: string,
  summary: string,
  args: CommandSpec["args"],
  flags: readonly FlagSpec[] = [],
): CommandSpec {
  return { name, summary, flags, args };
}

const NONE: CommandSpec["args"] = { min: 0, max: 0, usage: "" };
const NAME: CommandSpec["args"] = { min: 1, max: 1, usage: "<name>", values: ["none"] };
const MAYBE_NAME: CommandSpec["args"] = { min: 0, max: 1, usage: "[name]", values: ["none"] };
const URL: CommandSpec["args"] = { min: 1, max: 1, usage: "<url>", values: ["none"] };
const NAME_URL: CommandSpec["args"] = { min: 1, max: 2, usage: "[name] <url>", values: ["none"] };

/** remote, keyserver, registry. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "remote",
    summary: "Manage library services",
    flags: [CONFIG_FLAG],
    args: { min: 1, usage: "<command>" },
    bare: "help",
    commands: [
      service("add", "Add a service", { min: 2, max: 2, usage: "<name> <url>", values: ["none"] }, [
        GLOBAL_FLAG,
        {
          name: "insecure",
          short: "i",
          kind: "bool",
          env: ["ADD_INSECURE"],
          help: "allow plain http",
        },
        { name: "no-default", short: "n", kind: "bool", help: "do not make it the default" },
        { name: "no-login", kind: "bool", help: "do not log in" },
        TOKENFILE_FLAG,
      ]),
      service("remove", "Remove a service", NAME, [GLOBAL_FLAG]),
      service("use", "Make a service the default", NAME, [
        GLOBAL_FLAG,
        { name: "exclusive", short: "e", kind: "bool", help: "allow no other service (root only)" },
      ]),
      service("list", "List the services", NONE),
      service("status", "Ask the parts of a service how they are", MAYBE_NAME),
      service("login", "Log in at a service", MAYBE_NAME, [
        ...LOGIN_FLAGS,
        {
          name: "insecure",
          short: "i",
          kind: "bool",
          env: ["LOGIN_INSECURE"],
          help: "allow plain http",
        },
        TOKENFILE_FLAG,
      ]),
      service("logout", "Log out from a service", MAYBE_NAME),
      service("get-login-password", "Show the password for the service's own registry", NONE),
    ],
    examples: [{ text: "Add one", command: "remote add site https://library.example.org" }],
  },
  {
    name: "keyserver",
    summary: "Manage key servers",
    flags: [CONFIG_FLAG],
    args: { min: 1, usage: "<command>" },
    bare: "help",
    commands: [
      service("add", "Add a key server (root only)", NAME_URL, [
        { name: "order", short: "o", kind: "int", meta: "n", help: "position in the list, from 1" },
        { name: "insecure", short: "i", kind: "bool", help: "allow plain http" },
      ]),
      service("remove", "Remove a key server (root only)", NAME_URL),
      service("list", "List the key servers", MAYBE_NAME),
      service("login", "Log in at a key server", URL, LOGIN_FLAGS),
      service("logout", "Log out from a key server", URL),
    ],
    examples: [{ text: "List them", command: "keyserver list" }],
  },
  {
    name: "registry",
    summary: "Manage log-ins at container registries",
    flags: [CONFIG_FLAG],
    args: { min: 1, usage: "<command>" },
    bare: "help",
    commands: [
      service("login", "Log in at a registry", URL, [...LOGIN_FLAGS, AUTHFILE_FLAG, NO_HTTPS_FLAG]),
      service("logout", "Log out from a registry", URL, [AUTHFILE_FLAG]),
      service("list", "List the registries logged in at", NONE),
    ],
    examples: [{ text: "Log in", command: "registry login -u user docker://registry.example.org" }],
  },
];
