/**
 * The closed vocabulary of kernel operations. A launch is a list of these, carried out in order
 * by the starter; there is no other way to have an effect on the container.
 *
 *   Plan ── lower() ──► Op[] ── encode() ──► bytes on a descriptor ──► starter (C)
 *
 * The table `OP_FIELDS` (op-fields.ts) is the wire schema: the C side (starter/op.h) is generated from it, so the
 * two cannot drift. Field kinds: `u32`, `u64`, `i32`, `str` (no NUL inside), `strs`, `bytes`.
 * A `u64` holds 0 to 2^53-1 exactly, and `Infinity` for all bits set (RLIM_INFINITY). An absent
 * `u32` is 0.
 *
 * Paths: until the first `pivot` they are the caller's; after it, the caller's tree is below
 * `/host` and the container is being built at `/root`, both inside a private tmpfs.
 * A field named `root` (`sourceRoot`, `serverRoot`) is a directory that the path beside it is
 * resolved in as if by a process chrooted there, symbolic links included; empty: the root of the
 * starter. Ops that mount leave the working directory at `/`; `chdir` says where the program starts.
 *
 * Failures: an op fails with an errno; its fault text for that number (else for 0) is printed. Some
 * numbers stand for something the kernel has no own number for; they are told with each op:
 *   EDESTADDRREQ  the target (not the source) does not exist
 *   ECHILD        a helper program ran and ended badly; `%o` in the text is what it printed
 *   ENOTCONN, ECONNABORTED  from any op that touches a FUSE mount: its server is gone, and the
 *                 fault text of that `fuse` op is printed instead; `%o` is what the server printed
 *   ELIBACC       the program exists, its interpreter or loader (`#!`, PT_INTERP) does not
 *   ENOEXEC       a binary for another machine, or no program format at all
 */

/** New namespaces, and with `CLONE_NEWUSER` its id maps. One op, because the maps need a partner outside. */
export interface UnshareOp {
  readonly kind: "unshare";
  /** CLONE_NEW* bits. */
  readonly flags: number;
  /** Lines for /proc/self/uid_map and gid_map, `inside outside count` per line; empty: no map is written. */
  readonly uidMap: string;
  readonly gidMap: string;
  /** 0: write "deny" to setgroups first; 1: leave it alone. */
  readonly setgroups: number;
  /**
   * Path of newuidmap/newgidmap when the maps need them (sub-ids), else empty: written directly
   * (by a partner that stayed outside when the map holds more than the caller's own id: root).
   * Fails with ECHILD when one of them refuses.
   */
  readonly newuidmap: string;
  readonly newgidmap: string;
}

/**
 * setns(2) into the namespaces of files, in the order given; all are opened before the first is
 * entered. One that the process is in already is skipped. A PID namespace holds for children only:
 * a `fork` must follow.
 */
export interface JoinOp {
  readonly kind: "join";
  /** Paths such as /proc/123/ns/user. */
  readonly paths: readonly string[];
}

/** Changes propagation of a mount: `flags` is MS_PRIVATE, MS_SLAVE, MS_SHARED, with MS_REC. */
export interface PropagationOp {
  readonly kind: "propagation";
  readonly target: string;
  readonly flags: number;
}

/** mount(2) of a file system that has no source in the caller's tree: tmpfs, proc, sysfs, devpts, mqueue. */
export interface MountOp {
  readonly kind: "mount";
  readonly fstype: string;
  readonly source: string;
  /** Directory that the target is resolved in, symlinks included; empty: the process's root. */
  readonly root: string;
  readonly target: string;
  readonly flags: number;
  readonly data: string;
  /** 1: a refusal (EPERM, ENODEV, EINVAL …) is not fatal and the next op goes on. */
  readonly optional: number;
}

/**
 * Bind mount, then a remount that adds `flags` to what the source already has (locked flags of a
 * user namespace are kept). A recursive one applies `flags` to the top mount only, but MS_RDONLY to
 * its sub-mounts also where the kernel can (5.12). Both paths follow symlinks inside their roots.
 * Fails with EDESTADDRREQ for a missing target, ENOENT for a missing source, ENOTDIR when one is a
 * directory and the other is not.
 */
export interface BindOp {
  readonly kind: "bind";
  /** Directory that `source` is resolved in (`/host` after the first pivot, for links of the caller's tree). */
  readonly sourceRoot: string;
  readonly source: string;
  readonly root: string;
  readonly target: string;
  /** 1: MS_REC, sub-mounts come along. */
  readonly recursive: number;
  /** MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC bits to add. */
  readonly flags: number;
  /** 1: a missing target is created (file or directory like the source). */
  readonly create: number;
  /** 1: a missing source or target, or a refusal, skips the op; `warning` is printed if not empty. */
  readonly optional: number;
  readonly warning: string;
}

/** remount with MS_BIND: sets exactly the given flags plus, where the kernel insists, those the mount has. */
export interface RemountOp {
  readonly kind: "remount";
  readonly root: string;
  readonly target: string;
  readonly flags: number;
}

/** Makes a directory (exactly `mode`) and its parents (0755); existing ones stay as they are. */
export interface MkdirOp {
  readonly kind: "mkdir";
  readonly root: string;
  readonly path: string;
  readonly mode: number;
}

/** Writes a small file with exactly `mode` (parents must exist); an existing file or link is replaced. */
export interface FileOp {
  readonly kind: "file";
  readonly root: string;
  readonly path: string;
  readonly mode: number;
  readonly content: Uint8Array;
}

/** Makes a symbolic link (parents must exist); an existing file or link is replaced. */
export interface SymlinkOp {
  readonly kind: "symlink";
  readonly root: string;
  readonly path: string;
  readonly target: string;
}

/**
 * Opens /dev/fuse, mounts it on `target` and starts the file server that answers. The server is
 * double-forked in a mount namespace of its own made before the mount, holds no terminal and no
 * pipe of the caller, and ends when the last namespace that has the mount is gone. Nothing waits
 * for it: the kernel queues requests. Comes before an `unshare` that makes a PID namespace, else
 * the server would be in it. Descriptors that `argv` names as `/dev/fd/N` stay open in the server
 * and are closed in the program.
 *
 * `selfMount` 1 is for servers that cannot take a descriptor (libfuse 2: Debian 12's fuse2fs): the
 * program mounts itself on `%m` with CAP_SYS_ADMIN in its own namespace, the mount propagates into
 * ours, and the server's own copy is detached; `subtype`, `source`, `data`, `uid` and `gid` are not
 * used. This waits until the mount is there; ECHILD: the program ended before that.
 */
export interface FuseOp {
  readonly kind: "fuse";
  /** Directory that the server sees as `/`: the caller's tree (`/host` after the first pivot). */
  readonly serverRoot: string;
  readonly target: string;
  /** Subtype and source shown in mountinfo. */
  readonly subtype: string;
  readonly source: string;
  /** Mount flags (MS_RDONLY, MS_NOSUID …) and kernel options besides fd, rootmode, user_id, group_id. */
  readonly flags: number;
  readonly data: string;
  readonly uid: number;
  readonly gid: number;
  /** Program and arguments; the word `%f` becomes `/dev/fd/N` of the fuse descriptor, `%m` the mount point as the server sees it. */
  readonly argv: readonly string[];
  /** Environment of the server. */
  readonly env: readonly string[];
  /** 1: the program makes the mount (see above). */
  readonly selfMount: number;
  /**
   * flock(2) on the file `source` (in `serverRoot`) for as long as the server lives: 0 or absent:
   * none, 1: shared, 2: exclusive, for an image that is written to. The server of the launch before
   * may still be writing back when its program has ended: it is waited for up to three seconds, then
   * EBUSY. A file system without locks is no failure.
   */
  readonly lock?: number;
}

/** Loop device over part of a file, mounted; for those whom the kernel lets (root). */
export interface LoopOp {
  readonly kind: "loop";
  /** Directory that `file` and the loop devices are found in: the caller's tree (`/host` after the first pivot). */
  readonly sourceRoot: string;
  readonly file: string;
  readonly offset: number;
  /** Bytes; 0: to the end of the file. */
  readonly size: number;
  readonly target: string;
  readonly fstype: string;
  readonly flags: number;
  readonly data: string;
}

/**
 * Overlay file system. `lower` topmost first; `upper` and `work` both empty: read-only.
 * Tries in order until one is accepted: as given with `userxattr` (when asked), then without.
 * Paths may hold any character: `:`, `,` and backslash are escaped by the starter.
 */
export interface OverlayOp {
  readonly kind: "overlay";
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
  readonly target: string;
  readonly flags: number;
  /** Further options, comma separated. */
  readonly data: string;
}

/** pivot_root(2), or a moved mount and chroot(2) where the root is an initramfs. `putOld` is an absolute path inside the new root. `putOld` empty: the old root is detached; else it stays visible at that path below the new root. */
export interface PivotOp {
  readonly kind: "pivot";
  readonly root: string;
  readonly putOld: string;
}

export interface UmountOp {
  readonly kind: "umount";
  readonly target: string;
  /** 1: MNT_DETACH. */
  readonly detach: number;
  readonly optional: number;
}

export interface HostnameOp {
  readonly kind: "hostname";
  readonly name: string;
}

/** Brings the loopback interface of the (new) network namespace up. */
export interface LoopbackOp {
  readonly kind: "loopback";
}

/**
 * Forks. The parent stays outside as waiter: forwards signals to the child, and ends as the child
 * ended (same status; killed by the same signal). With `init` 1 the child is process 1 of its PID
 * namespace and forks again at the first of `seccomp`, `attr`, `exec` (so that it is under none of
 * them): it reaps, forwards signals, and ends with the program's status, 128+n for signal n. The
 * child dies with its parent, by SIGKILL too. When the program stops (terminal), the waiter stops.
 */
export interface ForkOp {
  readonly kind: "fork";
  readonly init: number;
}

/**
 * When the process that runs this op's launch is gone (by SIGKILL too), runs `argv` (an absolute
 * path first) in the namespaces of this moment: comes before `unshare`. Removes a temporary tree, say.
 */
export interface JanitorOp {
  readonly kind: "janitor";
  readonly argv: readonly string[];
}

export interface RlimitOp {
  readonly kind: "rlimit";
  /** RLIMIT_* number. */
  readonly resource: number;
  readonly soft: number;
  readonly hard: number;
}

export interface UmaskOp {
  readonly kind: "umask";
  readonly mask: number;
}

/** setgroups, setgid, setuid inside the namespaces. Permitted capabilities are kept until `exec`. */
export interface IdsOp {
  readonly kind: "ids";
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups, decimal; ["keep"]: untouched. */
  readonly groups: readonly string[];
}

/**
 * Capability sets of the program. Each mask is intersected with what is permitted now. Bits outside
 * `bounding` are dropped from the bounding set where the kernel allows.
 */
export interface CapsOp {
  readonly kind: "caps";
  readonly effective: number;
  readonly permitted: number;
  readonly inheritable: number;
  readonly ambient: number;
  readonly bounding: number;
  /** 1: PR_SET_NO_NEW_PRIVS. */
  readonly noNewPrivs: number;
}

/** A seccomp filter: struct sock_filter records as in memory (8 bytes each). */
export interface SeccompOp {
  readonly kind: "seccomp";
  readonly filter: Uint8Array;
  readonly flags: number;
}

/** Writes text to an attribute file: `path` is relative to /proc/self (attr/exec for AppArmor and SELinux). */
export interface AttrOp {
  readonly kind: "attr";
  readonly path: string;
  readonly value: string;
}

/** chdir(2) to the first candidate that works; when the first fails and another is taken, `warning` is printed. */
export interface ChdirOp {
  readonly kind: "chdir";
  readonly candidates: readonly string[];
  readonly warning: string;
}

/** Prints `text` and a line end on stderr, as does a `warning` or note of other ops. */
export interface SayOp {
  readonly kind: "say";
  readonly text: string;
}

/**
 * Replaces the environment by what a program writes: it is run from an inherited descriptor (or a
 * path when `fd` is -1), with descriptor 3 a pipe for the result: NUL-ended `NAME=value` records,
 * an empty record as the last. No empty record: the launch ends with the program's exit status
 * (at least 1). Entries of the present environment whose name starts with a word of `keep` are
 * carried over when the program did not write that name. ETIMEDOUT when it takes too long; the
 * descriptor `fd` is closed in the container's program.
 */
export interface EnvironOp {
  readonly kind: "environ";
  readonly fd: number;
  readonly path: string;
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly keep: readonly string[];
  /** Milliseconds; 0: none. */
  readonly timeoutMs: number;
}

/**
 * execve(2) of the first candidate that exists. Candidates are argv lists joined flat: `words` holds
 * them one after another, `counts` how many words each has (decimal). A first word without a slash
 * is looked up in the PATH of the environment. ENOEXEC (no `#!`) runs the file with /bin/sh.
 * `notes`: one per candidate, printed on stderr when that candidate is the one taken (may be empty).
 * Fails with ENOENT (no candidate exists), EACCES (not executable), EISDIR, ELIBACC, ENOEXEC, E2BIG;
 * in a PATH a name that may not be executed is passed over as a shell does, EACCES if nothing else fits.
 */
export interface ExecOp {
  readonly kind: "exec";
  readonly words: readonly string[];
  readonly counts: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Runs a program of the caller's to its end, in the namespaces of this moment; it dies with the
 * launch. Its output is kept: ECHILD when it ends with another status than 0 and `alsoGood`, `%o` in
 * the text is what it printed.
 */
export interface RunOp {
  readonly kind: "run";
  /** An absolute path first. */
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly alsoGood: number;
}

export type Op =
  | UnshareOp
  | JoinOp
  | PropagationOp
  | MountOp
  | BindOp
  | RemountOp
  | MkdirOp
  | FileOp
  | SymlinkOp
  | FuseOp
  | LoopOp
  | OverlayOp
  | PivotOp
  | UmountOp
  | HostnameOp
  | LoopbackOp
  | ForkOp
  | JanitorOp
  | RlimitOp
  | UmaskOp
  | IdsOp
  | CapsOp
  | SeccompOp
  | AttrOp
  | ChdirOp
  | SayOp
  | EnvironOp
  | ExecOp
  | RunOp;

export type OpKind = Op["kind"];

/** A sentence for one failure of one op: chosen by errno, 0 for any other. */
export interface FaultText {
  /** errno number; 0: any. */
  readonly errno: number;
  /** Whole sentence without prefix; `%e` becomes the kernel's own text for the errno, `%o` what a helper or file server printed (else as `%e`), `%%` a percent sign. */
  readonly text: string;
}

/** An op with the words for its failures, as it goes on the wire. */
export interface WiredOp {
  readonly op: Op;
  readonly faults: readonly FaultText[];
}
