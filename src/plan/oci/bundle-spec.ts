import { allSets, type RuntimeSpec, SPEC_VERSION, type SpecMount } from "./runtime-spec.ts";

/** What a bundle made of an image runs. */
export interface BundleProgram {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly uid: number;
  readonly gid: number;
}

/** An ordinary user's ids, who is root in the container; absent for root. */
export interface BundleOwner {
  readonly uid: number;
  readonly gid: number;
}

/** What OCI runtimes leave to root by default. */
const CAPABILITIES: readonly string[] = [
  ...["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW"],
  ...["CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE"],
  ...["CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE"],
];

const DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const MASKED: readonly string[] = [
  ...["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats"],
  ...["/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"],
];
const READONLY: readonly string[] = [
  ...["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
];
const OPEN_FILES = 1024;

/**
 * System calls that reach the machine rather than the container, or that had holes; most of them
 * need capabilities that the container lacks as well. Programs in containers do without.
 */
const REFUSED: readonly string[] = [
  ...["acct", "add_key", "bpf", "clock_adjtime", "clock_settime", "create_module", "delete_module"],
  ...["finit_module", "fsconfig", "fsmount", "fsopen", "fspick", "get_kernel_syms", "init_module"],
  ...["io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl", "kcmp"],
  ...["kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie", "mount", "mount_setattr"],
  ...["move_mount", "move_pages", "nfsservctl", "open_by_handle_at", "open_tree"],
  ...["perf_event_open", "pivot_root", "process_vm_readv", "process_vm_writev", "ptrace"],
  ...["query_module", "quotactl", "quotactl_fd", "reboot", "request_key", "setns"],
  ...["settimeofday", "stime", "swapoff", "swapon", "syslog", "umount", "umount2", "unshare"],
  ...["uselib", "userfaultfd", "ustat", "vm86", "vm86old", "vhangup"],
];
const EPERM = 1;
const NEW_NAMESPACES = 0x7e020000;

const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  amd64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  arm64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
};

/** The filter of system calls of a bundle; `arch` is a GOARCH name. */
function seccomp(arch: string): unknown {
  const refuse = { action: "SCMP_ACT_ERRNO", errnoRet: EPERM };
  return {
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: ARCHITECTURES[arch] ?? [],
    syscalls: [
      { names: REFUSED, ...refuse },
      // Each of the flags that make a namespace.
      ...Array.from({ length: 32 }, (_, bit) => 2 ** bit)
        .filter((bit) => (NEW_NAMESPACES & bit) !== 0 && bit !== 0x80000000)
        .map((bit) => ({
          names: ["clone"],
          ...refuse,
          args: [{ index: 0, value: bit, valueTwo: bit, op: "SCMP_CMP_MASKED_EQ" }],
        })),
      // Its flags are in memory, where no filter can look: programs fall back to clone.
      { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38 },
    ],
  };
}

/**
 * The `config.json` of a bundle whose root is `rootPath`: namespaces, mounts and capabilities as OCI
 * runtimes have them by default. For an ordinary user a user namespace comes in, and the host's
 * network stays, as only root may make another. `arch` is a GOARCH name.
 */
export function bundleSpec(
  rootPath: string,
  program: BundleProgram,
  owner: BundleOwner | undefined,
  arch: string,
): RuntimeSpec {
  const env = program.env.some((pair) => pair.startsWith("PATH="))
    ? program.env
    : [DEFAULT_PATH, ...program.env];
  const types = ["pid", "ipc", "uts", "mount", owner === undefined ? "network" : "user"];
  return {
    ociVersion: SPEC_VERSION,
    process: {
      terminal: true,
      user: { uid: program.uid, gid: program.gid },
      args: program.args,
      env: env.some((pair) => pair.startsWith("TERM=")) ? env : [...env, "TERM=xterm"],
      cwd: program.cwd,
      capabilities: allSets(CAPABILITIES),
      rlimits: [{ type: "RLIMIT_NOFILE", hard: OPEN_FILES, soft: OPEN_FILES }],
      noNewPrivileges: true,
    },
    root: { path: rootPath },
    hostname: "skiff",
    mounts: defaultMounts(owner !== undefined),
    linux: {
      namespaces: types.map((type) => ({ type })),
      ...(owner === undefined
        ? { resources: { devices: [{ allow: false, access: "rwm" }] } }
        : {
            uidMappings: [{ containerID: 0, hostID: owner.uid, size: 1 }],
            gidMappings: [{ containerID: 0, hostID: owner.gid, size: 1 }],
          }),
      seccomp: seccomp(arch),
      maskedPaths: MASKED,
      readonlyPaths: READONLY,
    },
  };
}

/** /proc, /dev and what is below it, /sys. `rootless`: in a user namespace with one id. */
export function defaultMounts(rootless: boolean): readonly SpecMount[] {
  const none = ["nosuid", "noexec", "nodev"];
  const pts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"];
  return [
    { destination: "/proc", type: "proc", source: "proc", options: none },
    {
      ...{ destination: "/dev", type: "tmpfs", source: "tmpfs" },
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      ...{ destination: "/dev/pts", type: "devpts", source: "devpts" },
      options: rootless ? pts : [...pts, "gid=5"],
    },
    {
      ...{ destination: "/dev/shm", type: "tmpfs", source: "shm" },
      options: [...none, "mode=1777", "size=65536k"],
    },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: none },
    // sysfs belongs to a network namespace: a user's is the host's.
    rootless
      ? { destination: "/sys", type: "none", source: "/sys", options: ["rbind", ...none, "ro"] }
      : { destination: "/sys", type: "sysfs", source: "sysfs", options: [...none, "ro"] },
  ];
}
