import type { FileView } from "../base/file-view.ts";

/** One line of a passwd database. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly gecos: string;
  readonly home: string;
  readonly shell: string;
}

/** A range of subordinate ids: `count` ids from `first`. */
export interface IdRange {
  readonly first: number;
  readonly count: number;
}

/** One line of /proc/self/mountinfo. */
export interface MountInfo {
  readonly target: string;
  readonly fstype: string;
  readonly source: string;
  /** Root of the mount within its file system. */
  readonly root: string;
  readonly options: readonly string[];
  readonly superOptions: readonly string[];
}

/**
 * Facts about this machine and this caller. Reads happen when a member is asked for, at most once;
 * nothing here decides anything.
 */
export interface HostFacts {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** Account of `uid`, from the passwd database; absent for an unknown uid. */
  readonly account: Account | undefined;
  /** Name of a group, absent when unknown. */
  groupName(gid: number): string | undefined;
  accountByName(name: string): Account | undefined;
  accountByUid(uid: number): Account | undefined;
  /** Working directory as the kernel tells it; absent when it was removed. */
  readonly cwd: string | undefined;
  /** The caller's PWD when it names the same directory as `cwd`, else `cwd`. */
  readonly logicalCwd: string | undefined;
  readonly umask: number;
  readonly hostname: string;
  /** Kernel release, "6.18.44-x"; and [6, 18]. */
  readonly kernel: string;
  readonly kernelVersion: readonly [number, number];
  /** GOARCH name: amd64, arm64, … */
  readonly arch: string;
  /** Permitted capabilities as a bit mask (bits 0 to 40: exact in a double). */
  readonly capabilities: number;
  /** Whether the caller already is in a user namespace that does not map all ids. */
  readonly inUserNamespace: boolean;
  /** Whether uid 0 in the current namespace is the real root (initial user namespace). */
  readonly isRealRoot: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly files: FileView;
  /** Entry with symbolic links followed, or undefined; and its canonical path. */
  realPath(path: string): string | undefined;
  readonly stdinIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
  /** Full path of a program from the configured binary path, or undefined. */
  tool(name: string): string | undefined;
  /** Words that run a program which skiff itself carries, for hosts without it. */
  carriedTool(name: string): readonly string[] | undefined;
  /** Whether a program's file holds `text`: tells which options a tool knows without running it. */
  programHolds(path: string, text: string): boolean;
  /** Largest sub-id ranges of the caller, or undefined when there are none (or they are disabled with "!"). */
  readonly subUids: readonly IdRange[];
  readonly subGids: readonly IdRange[];
  readonly mounts: readonly MountInfo[];
  /** Whether /dev/fuse can be opened for reading and writing. */
  readonly fuse: boolean;
  /** Whether a persistent or ordinary binfmt_misc handler for the architecture is registered. */
  hasBinfmt(arch: string): boolean;
}

/** How the root file system of an image is stored. */
export type RootKind =
  | "directory"
  | "squashfs"
  | "ext3"
  | "encrypted-squashfs"
  | "gocryptfs-squashfs";

/** A partition inside an image file. */
export interface ImagePart {
  readonly kind:
    | "squashfs"
    | "ext3"
    | "raw"
    | "encrypted-squashfs"
    | "gocryptfs-squashfs"
    | "archive";
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** A SIF partition besides the root, with its object id. */
export interface ImageLayer extends ImagePart {
  readonly id: number;
}

/** An overlay partition; `tree` reads inside it lazily. */
export interface OverlayPart extends ImageLayer {
  readonly tree: FileView;
}

/** What the configuration of an OCI image says about running it. */
export interface OciRunFacts {
  /** `NAME=value`, in order. */
  readonly env: readonly string[];
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** `name`, `uid`, `name:group` or `uid:gid`; "" for none. */
  readonly user: string;
  /** "" for none. */
  readonly workingDir: string;
}

/** How an encrypted root is had in clear. */
export type ClearRoot =
  /** The file in it that holds the SquashFS, and the descriptor that the key is read from. */
  | { readonly kind: "gocryptfs"; readonly file: string; readonly keyFd: number }
  /** The descriptor of a block device, which is there for as long as something has it open. */
  | { readonly kind: "device"; readonly fd: number };

/** What an opened image is; `tree` reads inside it lazily. */
export interface ImageFacts {
  /** Absolute path as the user gave it (made absolute); what SINGULARITY_CONTAINER shows. */
  readonly path: string;
  /** What the container file itself is. */
  readonly format: "sif" | "oci-sif" | "squashfs" | "ext3" | "directory";
  readonly rootKind: RootKind;
  /** Where the root partition lies, in a SIF with its object id; for a directory 0 and 0. */
  readonly root: ImagePart & { readonly id?: number };
  /** GOARCH name from the SIF header; absent when the format does not say ("unknown" included). */
  readonly arch: string | undefined;
  /** Overlay partitions of the primary group, in object order. */
  readonly overlays: readonly OverlayPart[];
  /** All data partitions and other objects that can be bound by id, in object order. */
  readonly parts: readonly ImageLayer[];
  /** Compression of a squashfs root: gzip, lzma, lzo, xz, lz4, zstd. */
  readonly compression: string | undefined;
  /** The lowest layer of an OCI-SIF: its other layers are `overlays`. */
  readonly tree: FileView;
  /** How the image wants to be run: of an OCI-SIF, and with `--oci` of any image that says so. */
  readonly oci?: OciRunFacts;
  /** The root is encrypted and was opened. */
  readonly clear?: ClearRoot;
  /** Whether the caller may write the image file or directory. */
  readonly writable: boolean;
}
