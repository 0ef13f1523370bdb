import type { FlagSpec } from "../spec.ts";
import { DEVICE_FLAGS } from "./_flags-devices.ts";
import { CWD_FLAG, ENVIRONMENT_FLAGS } from "./_flags-environment.ts";
import { ISOLATION_FLAGS, PID_FLAGS } from "./_flags-isolation.ts";
import { LIMIT_FLAGS } from "./_flags-limits.ts";
import { MOUNT_FLAGS } from "./_flags-mounts.ts";
import {
  DISABLE_CACHE_FLAG,
  ENCRYPTION_FLAGS,
  REGISTRY_FLAGS,
  TMPDIR_FLAG,
} from "./_flags-registry.ts";

/** How the image is found and opened. */
const IMAGE_FLAGS: readonly FlagSpec[] = [
  {
    name: "unsquash",
    kind: "bool",
    env: ["UNSQUASH", "TMP_SANDBOX"],
    aliases: [{ name: "tmp-sandbox" }],
    help: "unpack the image to a temporary directory first",
  },
  {
    name: "no-tmp-sandbox",
    kind: "bool",
    env: ["NO_TMP_SANDBOX"],
    help: "never unpack the image",
  },
  {
    name: "sif-fuse",
    kind: "bool",
    env: ["SIF_FUSE"],
    hidden: true,
    deprecated: "images are mounted by FUSE wherever it works",
    help: "mount a SIF by FUSE",
  },
  {
    name: "runscript-timeout",
    kind: "string",
    env: ["RUNSCRIPT_TIMEOUT"],
    default: "1m",
    meta: "duration",
    help: "longest time for evaluating the environment scripts of the image",
  },
  {
    name: "oci",
    kind: "bool",
    env: ["OCI"],
    help: "run by an OCI runtime (crun or runc)",
  },
  {
    name: "no-oci",
    kind: "bool",
    env: ["NO_OCI"],
    help: "run natively although the configuration says OCI",
  },
  {
    name: "keep-layers",
    kind: "bool",
    env: ["KEEP_LAYERS"],
    help: "with --oci, keep the layers of an image apart",
  },
  {
    name: "proot",
    kind: "string",
    env: ["PROOT"],
    meta: "file",
    hidden: true,
    help: "proot program to use",
  },
  {
    name: "arch",
    kind: "string",
    env: ["PULL_ARCH", "ARCH"],
    meta: "name",
    help: "architecture of an image that is pulled",
  },
  {
    name: "platform",
    kind: "string",
    env: ["PLATFORM"],
    meta: "os/arch[/variant]",
    help: "platform of an image that is pulled",
  },
  DISABLE_CACHE_FLAG,
];

const LAUNCH_FLAGS: readonly FlagSpec[] = [
  ...MOUNT_FLAGS,
  ...ENVIRONMENT_FLAGS,
  ...ISOLATION_FLAGS,
  ...DEVICE_FLAGS,
  ...LIMIT_FLAGS,
  ...IMAGE_FLAGS,
  ...REGISTRY_FLAGS,
  ...ENCRYPTION_FLAGS,
  TMPDIR_FLAG,
];

/** Understood, and refused with a word when used: help does not promise them. */
const NOT_YET: readonly string[] = [
  ...["intel-hpu", "data"],
  ...["netns-path", "network-args", "keep-layers", "proot"],
  ...LIMIT_FLAGS.map((flag) => flag.name),
];

const hideNotYet = (flag: FlagSpec): FlagSpec =>
  NOT_YET.includes(flag.name) ? { ...flag, hidden: true } : flag;

/** Flags of instance start and run. */
export const PRESENT_LAUNCH_FLAGS: readonly FlagSpec[] = LAUNCH_FLAGS.map(hideNotYet);

/** Flags of exec, run, shell and test. */
export const ACTION_FLAGS: readonly FlagSpec[] = [
  ...PRESENT_LAUNCH_FLAGS,
  ...[CWD_FLAG, ...PID_FLAGS].map(hideNotYet),
];

/** Of shell only. */
export const SHELL_FLAG: FlagSpec = {
  name: "shell",
  short: "s",
  kind: "string",
  env: ["SHELL"],
  meta: "path",
  help: "shell program of the image to run",
};
