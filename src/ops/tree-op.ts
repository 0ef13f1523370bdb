/*
 * The ops that make the tree of files a container sees; what holds for their paths is told in op.ts.
 */

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
  /** Directory that holds /dev/fuse; absent or empty: `serverRoot`. */
  readonly deviceRoot?: string;
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
   * A lock on `lockSize` bytes (0: to the end) from `lockOffset` of the file `source` (in
   * `serverRoot`), for as long as the server lives: 0 or absent: none, 1: shared, 2: exclusive, for an
   * image that is written to. It is a byte range lock of an open file description (F_OFD_SETLK). The
   * server of the launch before may still be writing back when its program has ended: it is waited for
   * up to three seconds, then EBUSY. A file system without locks is no failure.
   */
  readonly lock?: number;
  readonly lockOffset?: number;
  readonly lockSize?: number;
}

/** Loop device over part of a file, mounted; for those whom the kernel lets (root). */
export interface LoopOp {
  readonly kind: "loop";
  /** Devices are used up to this number, itself left out: EUSERS when the first free one is beyond. */
  readonly most: number;
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
  /** As with `fuse`, on the part of the file that is mounted, for as long as it is. */
  readonly lock?: number;
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
