import type { CommandSpec, FlagSpec } from "../spec.ts";

const GROUP_ID_FLAG: FlagSpec = {
  name: "group-id",
  short: "g",
  kind: "uint",
  meta: "n",
  aliases: [{ name: "groupid", hidden: true, deprecated: "use '--group-id'" }],
  help: "only the objects of this group",
};

const SIF_ID_FLAG: FlagSpec = {
  name: "sif-id",
  short: "i",
  kind: "uint",
  meta: "n",
  aliases: [{ name: "id", hidden: true, deprecated: "use '--sif-id'" }],
  help: "only this object",
};

const KEYSDIR_FLAG: FlagSpec = {
  name: "keysdir",
  short: "d",
  kind: "string",
  env: ["KEYSDIR", "SYPGPDIR"],
  meta: "dir",
  values: "dir",
  help: "directory of the key rings",
};

const GLOBAL_FLAG: FlagSpec = {
  name: "global",
  short: "g",
  kind: "bool",
  help: "the key ring of the system; only root may change it",
};

const SECRET_FLAG: FlagSpec = {
  name: "secret",
  short: "s",
  kind: "bool",
  env: ["SECRET"],
  aliases: [{ name: "private", hidden: true }],
  help: "secret keys",
};

const URL_FLAG: FlagSpec = {
  name: "url",
  short: "u",
  kind: "string",
  env: ["URL"],
  meta: "url",
  help: "address of the key server",
};

const KEY_COMMANDS: readonly CommandSpec[] = [
  {
    name: "newpair",
    summary: "Make a pair of keys",
    flags: [
      { name: "name", short: "N", kind: "string", meta: "name", help: "name of the owner" },
      {
        name: "email",
        short: "E",
        kind: "string",
        meta: "address",
        help: "mail address of the owner",
      },
      { name: "comment", short: "C", kind: "string", meta: "text", help: "comment" },
      { name: "password", short: "P", kind: "string", meta: "text", help: "passphrase" },
      { name: "push", short: "U", kind: "bool", help: "send the public key to the key server" },
      {
        name: "bit-length",
        short: "b",
        kind: "int",
        default: "4096",
        meta: "n",
        help: "length of the key in bits",
      },
      KEYSDIR_FLAG,
    ],
    args: { min: 0, max: 0, usage: "" },
  },
  {
    name: "list",
    summary: "List the keys of a key ring",
    flags: [SECRET_FLAG, GLOBAL_FLAG, KEYSDIR_FLAG],
    args: { min: 0, max: 0, usage: "" },
  },
  {
    name: "search",
    summary: "Search a key server",
    flags: [URL_FLAG, { name: "long-list", short: "l", kind: "bool", help: "more about each key" }],
    args: { min: 1, max: 1, usage: "<words>", values: ["none"] },
  },
  {
    name: "pull",
    summary: "Fetch a public key from a key server",
    flags: [URL_FLAG, GLOBAL_FLAG, KEYSDIR_FLAG],
    args: { min: 1, max: 1, usage: "<fingerprint>", values: ["none"] },
  },
  {
    name: "push",
    summary: "Send a public key to a key server",
    flags: [URL_FLAG, GLOBAL_FLAG, KEYSDIR_FLAG],
    args: { min: 1, max: 1, usage: "<fingerprint>", values: ["none"] },
  },
  {
    name: "import",
    summary: "Take a key from a file into a key ring",
    flags: [
      { name: "new-password", kind: "bool", help: "set a new passphrase on a secret key" },
      GLOBAL_FLAG,
      KEYSDIR_FLAG,
    ],
    args: { min: 1, max: 1, usage: "<file>", values: ["file"] },
  },
  {
    name: "export",
    summary: "Write a key to a file",
    flags: [
      SECRET_FLAG,
      { name: "armor", short: "a", kind: "bool", help: "as text" },
      GLOBAL_FLAG,
      KEYSDIR_FLAG,
    ],
    args: { min: 1, max: 1, usage: "<file>", values: ["file"] },
  },
  {
    name: "remove",
    summary: "Remove a key from a key ring",
    flags: [
      { name: "public", short: "p", kind: "bool", help: "the public key only" },
      { ...SECRET_FLAG, env: [], help: "the secret key only" },
      { name: "both", short: "b", kind: "bool", help: "both keys" },
      GLOBAL_FLAG,
      KEYSDIR_FLAG,
    ],
    args: { min: 1, max: 1, usage: "<fingerprint>", values: ["none"] },
  },
  {
    name: "generate-cosign-key-pair",
    summary: "Make a pair of keys for cosign signatures",
    flags: [
      {
        name: "output-key-prefix",
        kind: "string",
        default: "singularity-cosign",
        meta: "path",
        values: "file",
        help: "begin of the two file names",
      },
    ],
    args: { min: 0, max: 0, usage: "" },
  },
];

/** sign, verify, key. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "sign",
    summary: "Sign an image",
    flags: [
      GROUP_ID_FLAG,
      SIF_ID_FLAG,
      {
        name: "keyidx",
        short: "k",
        kind: "int",
        default: "-1",
        meta: "n",
        help: "number of the key in key list --secret",
      },
      {
        name: "key",
        kind: "string",
        env: ["SIGN_KEY"],
        meta: "file",
        values: "file",
        help: "PEM file of a private key, instead of the key ring",
      },
      {
        name: "provenance",
        kind: "bool",
        help: "first add a statement of what the image was built of (SLSA)",
      },
      {
        name: "all",
        short: "a",
        kind: "bool",
        hidden: true,
        deprecated: "now the default behavior",
        help: "sign all objects",
      },
      {
        name: "cosign",
        short: "c",
        kind: "bool",
        help: "cosign signature of an OCI-SIF, or of an image in a registry",
      },
    ],
    args: { min: 1, max: 1, usage: "<image>", values: ["image"] },
    examples: [
      { text: "Sign all of an image", command: "sign tools.sif" },
      { text: "Sign with a key in a file", command: "sign --key key.pem tools.sif" },
    ],
  },
  {
    name: "verify",
    summary: "Verify the signatures of an image",
    description: [
      "Ends with status 0 when all signatures are good. Under its own name skiff ends with 3 for an unsigned image, 4 for an unknown key, 5 for a revoked or expired one, 6 for an altered image, 7 for a key that may not sign, 8 for an image that --policy refuses, and 255 when nothing could be verified; under the names of the reference tools always with 255.",
    ],
    flags: [
      GROUP_ID_FLAG,
      SIF_ID_FLAG,
      { name: "all", short: "a", kind: "bool", help: "all objects" },
      {
        name: "local",
        short: "l",
        kind: "bool",
        env: ["LOCAL_VERIFY"],
        help: "only keys of the local key ring",
      },
      URL_FLAG,
      { name: "json", short: "j", kind: "bool", help: "report as JSON" },
      {
        name: "key",
        kind: "string",
        env: ["VERIFY_KEY"],
        meta: "file",
        values: "file",
        help: "PEM file of the public key",
      },
      {
        name: "certificate",
        kind: "string",
        env: ["VERIFY_CERTIFICATE"],
        meta: "file",
        values: "file",
        help: "X.509 certificate",
      },
      {
        name: "certificate-intermediates",
        kind: "string",
        env: ["VERIFY_INTERMEDIATES"],
        meta: "file",
        values: "file",
        help: "intermediate certificates",
      },
      {
        name: "certificate-roots",
        kind: "string",
        env: ["VERIFY_ROOTS"],
        meta: "file",
        values: "file",
        help: "root certificates; the system's if not given",
      },
      {
        name: "ocsp-verify",
        kind: "bool",
        env: ["VERIFY_OCSP"],
        help: "ask whether certificates are revoked",
      },
      {
        name: "legacy-insecure",
        kind: "bool",
        help: "accept signatures in the form used before 3.6",
      },
      {
        name: "policy",
        kind: "string",
        meta: "file",
        values: "file",
        help: "judge by this trust policy instead",
      },
      {
        name: "cosign",
        short: "c",
        kind: "bool",
        help: "cosign signature of an OCI-SIF, or of an image in a registry",
      },
    ],
    args: { min: 1, max: 1, usage: "<image>", values: ["image"] },
    examples: [{ text: "Verify", command: "verify tools.sif" }],
  },
  {
    name: "key",
    summary: "Manage keys for signatures",
    flags: [],
    args: { min: 1, usage: "<command>" },
    commands: KEY_COMMANDS,
    examples: [
      {
        text: "Make a pair of keys",
        command: "key newpair --name 'A. User' --email user@example.org",
      },
      { text: "List secret keys", command: "key list --secret" },
    ],
  },
];
