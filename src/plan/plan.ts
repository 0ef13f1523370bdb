import type { EnvironmentPlan } from "./env/environment-plan.ts";
import type { GpuSetup } from "./gpu-binds.ts";
import type { InstancePlan } from "./instance.ts";
import type { LimitSetting } from "./limits/limit-setting.ts";
import type { ResourceLimits } from "./limits/resource-limits.ts";
import type { PortMapping } from "./network/network-args.ts";
import type { SharePlan } from "./share.ts";
import type { UnderlayEntry } from "./underlay.ts";

/** Why something is in the plan: a rule, a flag, or a configuration line, in words. */
export type Why = string;

/** A message for the user, found while planning. */
export interface Notice {
  readonly level: "info" | "warning";
  readonly text: string;
}

/** How a packed file system becomes a directory. Offsets and sizes in bytes; size 0: to the end of the file. */
export type Mounter =
  | { readonly kind: "directory"; readonly why: Why }
  | { readonly kind: "loop"; readonly why: Why }
  /** The block device behind a descriptor. */
  | { readonly kind: "device"; readonly fd: number; readonly why: Why }
  | {
      readonly kind: "fuse";
      readonly tool: string;
      /** Words that `tool` is started by; none: by itself. */
      readonly loader?: readonly string[];
      /** Whether it can make every file the caller's (squashfuse from 0.5). */
      readonly setsOwner: boolean;
      /** Whether it takes the offset as an option (fuse2fs from 1.47; before it in the file's name). */
      readonly takesOffset: boolean;
      readonly why: Why;
    }
  | { readonly kind: "unpack"; readonly tool: string; readonly why: Why };

/** A file system stored in a file or directory of the host, and how it is mounted. */
export interface Volume {
  readonly path: string;
  readonly fstype: "directory" | "squashfs" | "ext3";
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  readonly writable: boolean;
  readonly mounter: Mounter;
  /** The image in it is encrypted: the program that shows it in clear, its file there, and the descriptor that its key is read from. */
  readonly cipher?: { readonly tool: string; readonly file: string; readonly keyFd: number };
  readonly why: Why;
}

/** One overlay layer above the image; `upper` only for the one that takes writes. */
export interface OverlayLayer {
  readonly volume: Volume;
  /** Directories inside the volume: "/upper" and "/work", or "/" for a plain read-only tree. */
  readonly dir: string;
  readonly work: string;
  readonly writable: boolean;
}

/** How the root is put together (reference: runtime.md 4.6). */
export interface RootPlan {
  readonly image: Volume;
  readonly layer: "overlay" | "underlay" | "none";
  readonly why: Why;
  /** Program that serves the overlay where the kernel's cannot be used; absent: the kernel's. */
  readonly overlayTool?: {
    readonly path: string;
    readonly why: Why;
    /** Shows every file as root's of the namespace that it runs in. */
    readonly oneOwner?: boolean;
  };
  /** Bottom to top; the writable one is last. */
  readonly overlays: readonly OverlayLayer[];
  /** Upper layer in the session's memory. */
  readonly tmpfsUpper: boolean;
  /** Whether the finished root refuses writes. */
  readonly readOnly: boolean;
  readonly nosuid: boolean;
  /** Mount points the image lacks, made in a lower layer of the overlay (or by underlay), in order. */
  readonly mountPoints: readonly MountPoint[];
  /** With `layer` "underlay": the entries of the root. */
  readonly underlay: readonly UnderlayEntry[];
}

/** A mount point, or a directory on the way to one, that the image does not have. */
export interface MountPoint {
  readonly path: string;
  readonly kind: "dir" | "file";
  /** Permission bits: those of the image where the directory exists in it. */
  readonly mode: number;
  /** True for a directory that the image has: repeated only to hold the ones below. */
  readonly exists: boolean;
}

interface Placed {
  /** Resolved path in the container. */
  readonly target: string;
  readonly why: Why;
}

/** MS_* names, lower case, as in mount options. */
export type MountFlag = "ro" | "nosuid" | "nodev" | "noexec";

/** A host file or directory made visible. */
export interface BindMount extends Placed {
  readonly kind: "bind";
  readonly source: string;
  readonly isDir: boolean;
  readonly recursive: boolean;
  readonly flags: readonly MountFlag[];
  /** Made by the starter when missing (below a directory that is not the image's). */
  readonly create: boolean;
  /** A refusal is not fatal; the warning (may be empty) is printed. */
  readonly optional: boolean;
  readonly warning: string;
  /** The host directory is made first when it is missing, as are those between it and `below`. */
  readonly make?: { readonly mode: number; readonly below: string };
}

/** A file system of the kernel. */
export interface KernelMount extends Placed {
  readonly kind: "kernel";
  readonly fstype: "proc" | "sysfs" | "tmpfs" | "devpts" | "mqueue";
  readonly flags: readonly MountFlag[];
  readonly data: string;
  readonly optional: boolean;
}

/** An empty directory in the session's memory (or already made on the host: then it is a bind). */
export interface SessionDirMount extends Placed {
  readonly kind: "session-dir";
  readonly mode: number;
  readonly flags: readonly MountFlag[];
}

/** A small file composed by the plan. */
export interface StagedFileMount extends Placed {
  readonly kind: "staged-file";
  readonly content: string;
  readonly mode: number;
  readonly flags: readonly MountFlag[];
}

/** A directory of staged links to host files: GPU libraries. */
export interface LibraryDirMount extends Placed {
  readonly kind: "libraries";
  readonly files: readonly { readonly name: string; readonly source: string; readonly why: Why }[];
}

/** A directory out of an image file. */
export interface ImageBindMount extends Placed {
  readonly kind: "image-bind";
  readonly volume: Volume;
  readonly dir: string;
  readonly isDir: boolean;
  readonly flags: readonly MountFlag[];
}

/** A file system that a program of the user's serves. */
export interface FuseMount extends Placed {
  readonly kind: "fuse";
  readonly create: boolean;
  /** Where the program runs: in the container, beside its own program, or outside of it. */
  readonly where: "container" | "host";
  /** The program goes to the background by itself. */
  readonly daemon: boolean;
  /** Full path of the program, and words before the mount point. */
  readonly command: readonly string[];
}

/** A private /dev with few nodes. */
export interface MinimalDevMount extends Placed {
  readonly kind: "minimal-dev";
  /** Device paths below /dev, same on host and in the container. */
  readonly nodes: readonly { readonly path: string; readonly isDir: boolean }[];
  readonly devpts: boolean;
  readonly mqueue: boolean;
}

export type PlannedMount =
  | BindMount
  | KernelMount
  | SessionDirMount
  | StagedFileMount
  | LibraryDirMount
  | ImageBindMount
  | FuseMount
  | MinimalDevMount;

export interface NamespacePlan {
  readonly user: boolean;
  readonly pid: boolean;
  readonly ipc: boolean;
  readonly uts: boolean;
  readonly net: boolean;
  readonly why: Readonly<Partial<Record<"user" | "pid" | "ipc" | "uts" | "net", Why>>>;
}

/** Who the program is, inside and outside. */
export interface IdentityPlan {
  readonly uidMap: string;
  readonly gidMap: string;
  readonly setgroups: boolean;
  /** newuidmap and newgidmap, when the maps hold sub-ids. */
  readonly newuidmap: string;
  readonly newgidmap: string;
  /** Ids as the program sees them. */
  readonly uid: number;
  readonly gid: number;
  /** setgroups/setgid/setuid inside the namespaces; absent: nothing to change. */
  readonly become:
    | { readonly uid: number; readonly gid: number; readonly groups: readonly number[] }
    | undefined;
  readonly why: Why;
}

/** A filter of system calls, in force from the start of the program. */
export interface SeccompPlan {
  /** The profile it was made from. */
  readonly path: string;
  /** struct sock_filter records, in hexadecimal: 16 digits each. */
  readonly filter: string;
  /** SECCOMP_FILTER_FLAG_* bits. */
  readonly flags: number;
  readonly why: Why;
}

/** What a security module of the kernel calls the program. */
export interface LabelPlan {
  readonly module: "apparmor" | "selinux";
  readonly label: string;
  readonly why: Why;
}

export interface SecurityPlan {
  /** Capability masks asked for; the starter intersects with what is permitted. */
  readonly effective: number;
  readonly bounding: number;
  readonly ambient: number;
  readonly noNewPrivs: boolean;
  readonly seccomp: SeccompPlan | undefined;
  readonly label: LabelPlan | undefined;
  readonly why: Why;
}

/** A control group that a group of the container's is made in. */
export interface LimitGroup {
  readonly parent: string;
  /** Controllers whose files are in it. */
  readonly controllers: readonly string[];
  /** Those that the parent must hand down first (version 2). */
  readonly enable: readonly string[];
}

/** Limits of resources by control groups. */
export interface LimitsPlan {
  readonly version: 1 | 2;
  readonly place:
    | {
        readonly kind: "directories";
        readonly groups: readonly LimitGroup[];
        /** The process moves before controllers are handed down: it is alone in the parent. */
        readonly moveFirst: boolean;
      }
    | {
        /** systemd makes a scope for this process, in which the group is then made. */
        readonly kind: "systemd";
        readonly tool: string;
        readonly bus: "user" | "system";
        readonly enable: readonly string[];
      };
  /** What was asked for, in the terms of the OCI runtime specification. */
  readonly resources: ResourceLimits;
  /** In the order in which they are written. */
  readonly settings: readonly LimitSetting[];
  readonly why: Why;
}

/** A network that is more than an empty one. */
export type NetworkPlan =
  | { readonly kind: "join"; readonly path: string; readonly why: Why }
  | {
      /** A new one that a helper outside connects, and disconnects at the end. */
      readonly kind: "helper";
      readonly name: string;
      readonly ports: readonly PortMapping[];
      /** Words in which the starter fills in `%p` and `%n` (ops: CompanionOp). */
      readonly setup: readonly string[];
      readonly teardown: readonly string[];
      /** For resolv.conf, where the host's own cannot be reached; none: the host's. */
      readonly nameservers: readonly string[];
      readonly why: Why;
    };

/** What is executed: the first candidate that exists. */
export interface ProcessPlan {
  readonly candidates: readonly { readonly argv: readonly string[]; readonly note: string }[];
  /** The program is told the path that it was found at, not the word it was called by. */
  readonly hasFullName?: true;
  /** FATAL text when no candidate exists. */
  readonly notFound: string;
  readonly why: Why;
}

/**
 * Everything a container will see, as plain data. Two equal plans give equal containers; nothing in
 * it refers to the machine beyond paths.
 */
export interface Plan {
  readonly action: string;
  readonly image: { readonly path: string; readonly format: string };
  readonly namespaces: NamespacePlan;
  readonly init: boolean;
  readonly identity: IdentityPlan;
  readonly root: RootPlan;
  readonly mounts: readonly PlannedMount[];
  readonly propagation: "slave" | "private";
  /** Session memory limit in MiB; 0: none. */
  readonly sessionMiB: number;
  readonly sessionFs: "tmpfs" | "ramfs";
  /** Loop devices from this number on are not used. */
  readonly maxLoopDevices: number;
  readonly hostname: string | undefined;
  readonly loopback: boolean;
  readonly network: NetworkPlan | undefined;
  readonly environment: EnvironmentPlan;
  readonly cwd: {
    readonly candidates: readonly string[];
    readonly fatal: boolean;
    readonly why: Why;
  };
  readonly umask: { readonly mask: number; readonly why: Why };
  readonly security: SecurityPlan;
  readonly limits: LimitsPlan | undefined;
  readonly process: ProcessPlan;
  /** A program of the host works on the finished root before it is entered; absent: none. */
  readonly gpuSetup?: GpuSetup;
  /** Other processes of the same step have the same container; absent: it is this process's own. */
  readonly share: SharePlan | undefined;
  /** The container goes on in the background under this name; absent: it is the caller's. */
  readonly instance: InstancePlan | undefined;
  readonly notices: readonly Notice[];
}
