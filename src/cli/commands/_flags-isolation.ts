import type { FlagSpec } from "../spec.ts";

/** For the actions that run in the foreground: an instance always has a PID namespace. */
export const PID_FLAGS: readonly FlagSpec[] = [
  {
    name: "pid",
    short: "p",
    kind: "bool",
    env: ["PID", "UNSHARE_PID"],
    help: "new PID namespace, with an init that reaps",
  },
  { name: "no-pid", kind: "bool", env: ["NO_PID"], help: "no PID namespace" },
  {
    name: "sharens",
    kind: "bool",
    env: ["SHARENS"],
    help: "share namespaces and image with the other containers of the same parent process",
  },
  {
    name: "share-ranks",
    kind: "bool",
    env: ["SHARE_RANKS"],
    help: "one container for the ranks of a job step; the default under Slurm, PMI and PMIx, =false turns it off",
  },
];

/** Namespaces, identity and privileges. */
export const ISOLATION_FLAGS: readonly FlagSpec[] = [
  {
    name: "net",
    short: "n",
    kind: "bool",
    env: ["NET", "UNSHARE_NET"],
    help: "new network namespace, with a bridge unless --network says otherwise",
  },
  {
    name: "network",
    kind: "string",
    env: ["NETWORK"],
    meta: "name,...",
    help: "configured networks to attach to, or none; implies --net",
  },
  {
    name: "network-args",
    kind: "strings",
    env: ["NETWORK_ARGS"],
    meta: "[network:]key=value",
    help: "arguments for the network plugins; implies --net",
  },
  {
    name: "netns-path",
    kind: "string",
    env: ["NETNS_PATH"],
    meta: "path",
    values: "file",
    help: "join the network namespace at the path (root, or allowed by the configuration)",
  },
  {
    name: "no-init",
    kind: "bool",
    env: ["NOSHIMINIT"],
    help: "with a PID namespace, run the command itself as process 1",
  },
  { name: "ipc", short: "i", kind: "bool", env: ["IPC", "UNSHARE_IPC"], help: "new IPC namespace" },
  { name: "uts", kind: "bool", env: ["UTS", "UNSHARE_UTS"], help: "new UTS namespace" },
  {
    name: "userns",
    short: "u",
    kind: "bool",
    env: ["USERNS", "UNSHARE_USERNS"],
    help: "new user namespace",
  },
  {
    name: "fakeroot",
    short: "f",
    kind: "bool",
    env: ["FAKEROOT"],
    help: "appear as root in the container",
  },
  {
    name: "no-setgroups",
    kind: "bool",
    env: ["NO_SETGROUPS"],
    help: "with --fakeroot, keep the caller's groups by not allowing setgroups",
  },
  {
    name: "security",
    kind: "strings",
    env: ["SECURITY"],
    meta: "kind:value",
    help: "seccomp:file, apparmor:profile, selinux:context, uid:n or gid:n[:n...]",
  },
  {
    name: "add-caps",
    kind: "string",
    env: ["ADD_CAPS"],
    meta: "name,...",
    help: "capabilities to add",
  },
  {
    name: "drop-caps",
    kind: "string",
    env: ["DROP_CAPS"],
    meta: "name,...",
    help: "capabilities to drop, or all",
  },
  {
    name: "keep-privs",
    kind: "bool",
    env: ["KEEP_PRIVS"],
    help: "keep all capabilities (root only)",
  },
  {
    name: "no-privs",
    kind: "bool",
    env: ["NO_PRIVS"],
    help: "drop all capabilities of root",
  },
  {
    name: "allow-setuid",
    kind: "bool",
    env: ["ALLOW_SETUID"],
    help: "let setuid programs of the image work (root only)",
  },
  ...["subuid", "fakeroot-command", "userns"].map(
    (mode): FlagSpec => ({
      name: `ignore-${mode}`,
      kind: "bool",
      env: [`IGNORE_${mode.toUpperCase().replaceAll("-", "_")}`],
      hidden: true,
      help: `with --fakeroot, do without ${mode}`,
    }),
  ),
];
