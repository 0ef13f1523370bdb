import type { CommandSpec, FlagSpec } from "../spec.ts";
import {
  AUTHFILE_FLAG,
  DISABLE_CACHE_FLAG,
  LIBRARY_FLAG,
  NO_HTTPS_FLAG,
  REGISTRY_FLAGS,
  TMPDIR_FLAG,
} from "./_flags-registry.ts";

const ALLOW_UNSIGNED_FLAG: FlagSpec = {
  name: "allow-unsigned",
  short: "U",
  kind: "bool",
  env: ["ALLOW_UNSIGNED", "ALLOW_UNAUTHENTICATED"],
  aliases: [{ name: "allow-unauthenticated", hidden: true }],
  help: "do not insist on a signature",
};

const PULL_FLAGS: readonly FlagSpec[] = [
  { name: "force", short: "F", kind: "bool", env: ["FORCE"], help: "replace what is there" },
  {
    name: "dir",
    kind: "string",
    env: ["PULLDIR", "PULLFOLDER"],
    meta: "dir",
    values: "dir",
    help: "directory for the image",
  },
  {
    name: "name",
    kind: "string",
    env: ["PULL_NAME"],
    meta: "file",
    hidden: true,
    help: "name for the image",
  },
  {
    name: "arch",
    kind: "string",
    env: ["PULL_ARCH", "ARCH"],
    meta: "name",
    help: "architecture; the host's if not given",
  },
  {
    name: "arch-variant",
    kind: "string",
    env: ["PULL_ARCH_VARIANT"],
    meta: "name",
    help: "variant of the architecture",
  },
  {
    name: "platform",
    kind: "string",
    env: ["PLATFORM"],
    meta: "os/arch[/variant]",
    help: "platform",
  },
  LIBRARY_FLAG,
  {
    name: "cosign-key",
    kind: "string",
    env: ["COSIGN_KEY"],
    meta: "file",
    values: "file",
    help: "public key by which cosign has to have signed the image",
  },
  { name: "sandbox", kind: "bool", env: ["SANDBOX"], help: "make a directory instead of a SIF" },
  DISABLE_CACHE_FLAG,
  ALLOW_UNSIGNED_FLAG,
  { name: "no-cleanup", kind: "bool", env: ["NO_CLEANUP"], help: "keep temporary files" },
  {
    name: "reproducible",
    kind: "bool",
    env: ["REPRODUCIBLE"],
    help: "take SOURCE_DATE_EPOCH from the source image",
  },
  {
    name: "oci",
    kind: "bool",
    env: ["OCI"],
    help: "make an OCI-SIF, which keeps the image what it is",
  },
  {
    name: "no-oci",
    kind: "bool",
    env: ["NO_OCI"],
    help: "make a SIF although the configuration says OCI",
  },
  {
    name: "keep-layers",
    kind: "bool",
    env: ["KEEP_LAYERS"],
    help: "with --oci, keep the layers of the image apart",
  },
  {
    name: "with-cosign",
    kind: "bool",
    env: ["WITH_COSIGN"],
    hidden: true,
    help: "fetch cosign signatures too",
  },
  ...REGISTRY_FLAGS,
  TMPDIR_FLAG,
];

/** pull, push, search, delete. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "pull",
    summary: "Fetch an image",
    description: [
      "Fetches an image by its address and writes it as a SIF. Without a file name it is called after the last part of the address and its tag.",
    ],
    flags: PULL_FLAGS,
    args: { min: 1, max: 2, usage: "[file] <address>", values: ["file", "none"] },
    examples: [
      {
        text: "From a registry",
        command: "pull alpine.sif docker://registry.example.org/alpine:3",
      },
      { text: "A SIF kept in a registry", command: "pull oras://registry.example.org/tools:1.0" },
    ],
  },
  {
    name: "push",
    summary: "Send an image",
    description: [
      "Sends a SIF to an image library or, by ORAS, to a registry; and an OCI-SIF to a registry as the image it holds.",
    ],
    flags: [
      LIBRARY_FLAG,
      ALLOW_UNSIGNED_FLAG,
      {
        name: "description",
        short: "D",
        kind: "string",
        meta: "text",
        help: "description (library and oras only)",
      },
      {
        name: "annotation",
        kind: "strings",
        meta: "name=value",
        help: "annotation of the manifest (oras only); may be given more than once",
      },
      {
        name: "layer-format",
        kind: "string",
        env: ["LAYER_FORMAT"],
        meta: "name",
        values: ["squashfs", "tar"],
        help: "send the layers of an OCI-SIF as squashfs or tar; as they are if not given",
      },
      {
        name: "with-cosign",
        kind: "bool",
        env: ["WITH_COSIGN"],
        hidden: true,
        help: "send cosign signatures too",
      },
      ...REGISTRY_FLAGS,
    ],
    args: { min: 2, max: 2, usage: "<image> <address>", values: ["image", "none"] },
    examples: [
      { text: "To a registry", command: "push tools.sif oras://registry.example.org/tools:1.0" },
      {
        text: "An OCI-SIF, for every program that reads images",
        command: "push --layer-format tar tools.sif docker://registry.example.org/tools:1.0",
      },
    ],
  },
  {
    name: "search",
    summary: "Search an image library or registry",
    flags: [
      {
        name: "arch",
        kind: "string",
        env: ["SEARCH_ARCH"],
        meta: "name",
        help: "architecture; the host's if not given",
      },
      { name: "signed", kind: "bool", env: ["SEARCH_SIGNED"], help: "signed images only" },
      LIBRARY_FLAG,
      AUTHFILE_FLAG,
      NO_HTTPS_FLAG,
    ],
    args: { min: 1, max: 1, usage: "<words>", values: ["none"] },
    examples: [
      { text: "Search", command: "search lolcow" },
      { text: "What a registry holds", command: "search oras://registry.example.org/tools" },
    ],
  },
  {
    name: "delete",
    summary: "Delete an image from a library or registry",
    flags: [
      { name: "force", short: "F", kind: "bool", env: ["FORCE"], help: "do not ask" },
      {
        name: "arch",
        short: "A",
        kind: "string",
        env: ["ARCH"],
        meta: "name",
        help: "architecture; the host's if not given",
      },
      {
        name: "timeout",
        short: "T",
        kind: "int",
        env: ["TIMEOUT"],
        default: "15",
        meta: "seconds",
        help: "longest wait for an answer",
      },
      LIBRARY_FLAG,
      AUTHFILE_FLAG,
      NO_HTTPS_FLAG,
    ],
    args: { min: 1, max: 1, usage: "<address>", values: ["none"] },
    examples: [{ text: "Delete", command: "delete library://user/collection/tools:1.0" }],
  },
  {
    name: "tag",
    summary: "Give an image of a registry or library another tag",
    flags: [LIBRARY_FLAG, AUTHFILE_FLAG, NO_HTTPS_FLAG],
    args: { min: 2, usage: "<address> <tag>...", values: ["none"] },
    examples: [{ text: "Tag", command: "tag oras://registry.example.org/tools:1.0 latest" }],
  },
];
