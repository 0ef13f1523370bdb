import type { CommandSpec, FlagSpec } from "../spec.ts";
import {
  DISABLE_CACHE_FLAG,
  ENCRYPTION_FLAGS,
  LIBRARY_FLAG,
  REGISTRY_FLAGS,
  TMPDIR_FLAG,
} from "./_flags-registry.ts";

const TARGET_FLAGS: readonly FlagSpec[] = [
  {
    name: "sandbox",
    short: "s",
    kind: "bool",
    env: ["SANDBOX"],
    help: "make a directory instead of a SIF",
  },
  { name: "force", short: "F", kind: "bool", env: ["FORCE"], help: "replace what is there" },
  {
    name: "update",
    short: "u",
    kind: "bool",
    env: ["UPDATE"],
    help: "run the definition over the directory that is there, without its bootstrap; needs --sandbox",
  },
  {
    name: "encrypt",
    short: "e",
    kind: "bool",
    help: "encrypt the root file system",
  },
  {
    name: "mksquashfs-args",
    kind: "string",
    env: ["MKSQUASHFS_ARGS"],
    meta: "args",
    help: "more arguments for mksquashfs, separated by blanks",
  },
  { name: "data", kind: "bool", env: ["DATA"], help: "wrap a SquashFS file as a data partition" },
  {
    name: "reproducible",
    kind: "bool",
    env: ["REPRODUCIBLE"],
    help: "take SOURCE_DATE_EPOCH from the source image",
  },
  {
    name: "arch",
    kind: "string",
    env: ["BUILD_ARCH", "PULL_ARCH", "ARCH"],
    meta: "name",
    help: "architecture to build for; the host's if not given",
  },
  {
    name: "arch-variant",
    kind: "string",
    env: ["BUILD_ARCH_VARIANT"],
    meta: "name",
    help: "variant of the architecture, such as 7",
  },
  {
    name: "platform",
    kind: "string",
    env: ["PLATFORM"],
    meta: "os/arch[/variant]",
    help: "platform to build for",
  },
  { name: "oci", kind: "bool", env: ["OCI"], help: "build an OCI-SIF" },
  {
    name: "no-oci",
    kind: "bool",
    env: ["NO_OCI"],
    help: "build a SIF although the configuration says OCI",
  },
  {
    name: "keep-layers",
    kind: "bool",
    env: ["KEEP_LAYERS"],
    help: "keep the layers of an OCI-SIF apart",
  },
];

const DEFINITION_FLAGS: readonly FlagSpec[] = [
  {
    name: "section",
    kind: "strings",
    env: ["SECTION"],
    default: "all",
    meta: "name",
    values: [
      "setup",
      "pre",
      "files",
      "environment",
      "labels",
      "test",
      "help",
      "runscript",
      "startscript",
      "all",
      "none",
    ],
    help: "carry out only these sections",
  },
  {
    name: "check",
    kind: "bool",
    help: "only report all errors and warnings of a definition file",
  },
  { name: "notest", short: "T", kind: "bool", env: ["NOTEST"], help: "do not run the tests" },
  { name: "json", kind: "bool", env: ["JSON"], help: "accepted for compatibility, without effect" },
  {
    name: "build-arg",
    kind: "strings",
    meta: "name=value",
    help: "set a variable of the definition",
  },
  {
    name: "build-arg-file",
    kind: "string",
    meta: "file",
    values: "file",
    help: "set variables of the definition from lines of name=value",
  },
  {
    name: "no-cache",
    kind: "bool",
    env: ["NO_CACHE"],
    help: "carry out every step, and keep none",
  },
  {
    name: "cache-from",
    kind: "strings",
    meta: "image",
    values: "file",
    help: "take the result of steps from an image that skiff built: a SIF, or oras://, library://, https://",
  },
  {
    name: "verify",
    kind: "bool",
    help: "build an image again from its own definition and list the paths that differ",
  },
  {
    name: "shell-on-failure",
    kind: "bool",
    help: "open a shell where a script of the root failed",
  },
  {
    name: "source-date-epoch",
    kind: "string",
    meta: "seconds",
    help: "no time in the image is later; the same as the variable SOURCE_DATE_EPOCH",
  },
  {
    name: "warn-unused-build-args",
    kind: "bool",
    help: "only warn of variables that the definition does not use",
  },
  {
    name: "target",
    kind: "string",
    meta: "stage",
    help: "build this stage of a Dockerfile instead of its last one",
  },
  {
    name: "context",
    kind: "string",
    meta: "directory",
    values: "file",
    help: "where a Dockerfile copies from; its own directory if not given",
  },
  {
    name: "secret",
    kind: "array",
    meta: "id=name,src=file",
    help: "a file, or with env=name a variable, for RUN --mount=type=secret of a Dockerfile",
  },
  {
    name: "no-sbom",
    kind: "bool",
    help: "keep no list of the packages in the image",
  },
  {
    name: "fix-perms",
    kind: "bool",
    env: ["FIXPERMS"],
    help: "give the owner read, write and search permission on everything from an OCI image",
  },
  {
    name: "no-cleanup",
    kind: "bool",
    env: ["NO_CLEANUP"],
    help: "keep temporary files and say where they are",
  },
];

const RUN_FLAGS: readonly FlagSpec[] = [
  {
    name: "fakeroot",
    short: "f",
    kind: "bool",
    env: ["FAKEROOT"],
    help: "appear as root in the container",
  },
  { name: "userns", kind: "bool", env: ["USERNS"], help: "build in a user namespace" },
  {
    name: "no-setgroups",
    kind: "bool",
    env: ["NO_SETGROUPS"],
    help: "with --fakeroot, keep the caller's groups by not allowing setgroups",
  },
  {
    name: "bind",
    short: "B",
    kind: "array",
    env: ["BIND", "BINDPATH"],
    appendEnv: true,
    meta: "src[:dest[:opts]]",
    values: "file",
    help: "make a file or directory of the host visible while %post and %test run",
  },
  {
    name: "mount",
    kind: "array",
    env: ["MOUNT"],
    appendEnv: true,
    meta: "type=bind,src=...,dst=...[,ro]",
    help: "the same as fields",
  },
  { name: "nv", kind: "bool", env: ["NV"], help: "NVIDIA support while %post and %test run" },
  { name: "rocm", kind: "bool", env: ["ROCM"], help: "ROCm support while %post and %test run" },
  {
    name: "nvccli",
    kind: "bool",
    env: ["NVCCLI"],
    help: "set NVIDIA cards up by nvidia-container-cli",
  },
  {
    name: "writable-tmpfs",
    kind: "bool",
    env: ["WRITABLE_TMPFS"],
    help: "make the root file system writable in memory while %test runs",
  },
  ...["subuid", "userns", "fakeroot-command", "proot"].map(
    (mode): FlagSpec => ({
      name: `ignore-${mode}`,
      kind: "bool",
      env: [`IGNORE_${mode.toUpperCase().replaceAll("-", "_")}`],
      hidden: true,
      help: `build without ${mode}`,
    }),
  ),
];

const REMOTE_FLAGS: readonly FlagSpec[] = [
  LIBRARY_FLAG,
  { name: "remote", kind: "bool", env: ["REMOTE"], help: "build by a remote service" },
  {
    name: "builder",
    kind: "string",
    env: ["BUILDER"],
    meta: "url",
    help: "address of the remote build service",
  },
  {
    name: "detached",
    short: "d",
    kind: "bool",
    env: ["DETACHED"],
    help: "submit a remote build and do not wait",
  },
  {
    name: "buildkit-host",
    kind: "string",
    env: ["BUILDKIT_HOST"],
    bareEnv: ["BUILDKIT_HOST"],
    meta: "address",
    help: "address of the BuildKit daemon",
  },
];

/** build. */
export const COMMANDS: readonly CommandSpec[] = [
  {
    name: "build",
    summary: "Build an image",
    description: [
      "Makes a SIF, or with --sandbox a directory, from a definition file, a Dockerfile, a directory, another image or an address such as docker://name:tag.",
      "Temporary files go below TMPDIR, or /tmp; it needs room for the whole root file system.",
    ],
    flags: [
      ...TARGET_FLAGS,
      ...DEFINITION_FLAGS,
      ...RUN_FLAGS,
      ...REMOTE_FLAGS,
      DISABLE_CACHE_FLAG,
      ...REGISTRY_FLAGS,
      ...ENCRYPTION_FLAGS,
      TMPDIR_FLAG,
    ],
    args: { min: 2, max: 2, usage: "<target> <source>", values: ["file", "file"] },
    argsWith: {
      verify: { min: 1, max: 1, usage: "--verify <image>", values: ["file"] },
      check: { min: 1, max: 1, usage: "--check <definition>", values: ["file"] },
    },
    examples: [
      { text: "Build by a definition", command: "build lolcow.sif lolcow.def" },
      { text: "Build by a Dockerfile", command: "build tools.sif ./Dockerfile" },
      { text: "Pack a directory", command: "build debian.sif rootfs/" },
      { text: "See whether a definition is right", command: "build --check lolcow.def" },
      {
        text: "See whether an image is what its definition makes",
        command: "build --verify lolcow.sif",
      },
      { text: "Unpack an image, to change it", command: "build --sandbox rootfs/ debian.sif" },
    ],
  },
];
