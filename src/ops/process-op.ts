/*
 * The ops on the process that becomes the program: its namespaces, identity, limits, environment, and its end as it.
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
 * Before it ends the waiter prints the line `says` and runs `after` (an absolute path first), in the
 * namespaces of this moment; empty: nothing.
 */
export interface ForkOp {
  readonly kind: "fork";
  readonly init: number;
  readonly after: readonly string[];
  readonly says: string;
}

/**
 * When the process that runs this op's launch is gone (by SIGKILL too), runs `argv` (an absolute
 * path first) in the namespaces of this moment: comes before `unshare`. Removes a temporary tree, say.
 */
export interface JanitorOp {
  readonly kind: "janitor";
  readonly argv: readonly string[];
}

/**
 * Makes directories of control groups (parents exist; one that is there already stays as it is). Each
 * is removed, with what was made below it, when the process that runs this op's launch is gone and
 * nothing is in it any more: that takes a watcher, which stands where the process is when the op is
 * carried out, so outside of them. What killed launches left beside them (`skiff-PID` of a process that is gone) goes first.
 */
export interface CgroupOp {
  readonly kind: "cgroup";
  readonly dirs: readonly string[];
  /** 0: nothing is removed. */
  readonly watch: number;
}

/** One write(2) to a file that exists: of a control group, say. */
export interface WriteOp {
  readonly kind: "write";
  /** Directory that `path` is resolved in; empty: the process's root. */
  readonly root: string;
  readonly path: string;
  readonly value: string;
  /** Printed when it fails, and the next op goes on; empty: a failure is one. */
  readonly warning: string;
}

/**
 * A helper that stays outside: comes before the first `unshare`. It waits for `meet`, then runs
 * `setup` to its end; what that leaves running stays, is watched over, and is killed when the process
 * that runs this op's launch is gone (by SIGKILL too), after `teardown`, if any, was run. In the words
 * `%p` becomes the id of the launch's process `%n` a path of the network namespace that it was in at
 * the `meet`, and `%%` a percent sign.
 */
export interface CompanionOp {
  readonly kind: "companion";
  /** An absolute path first. */
  readonly setup: readonly string[];
  readonly teardown: readonly string[];
  readonly env: readonly string[];
}

/** Lets the companion do its part and waits for it: ECHILD when its `setup` ends badly, `%o` is what it printed. */
export interface MeetOp {
  readonly kind: "meet";
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

/**
 * A filter for processes with one id whose changes of owners succeed: a process beside the launch
 * answers the calls that `recording` hands it, and notes the owner (`user.skiff.owner`, "uid:gid") on
 * files and directories; what a container has bound to it is left alone. Kernels that hand on no
 * calls (before 5.0) get `filter`, which notes nothing. Records as those of `seccomp`.
 */
export interface OwnersOp {
  readonly kind: "owners";
  readonly recording: Uint8Array;
  readonly filter: Uint8Array;
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
  /** 1: the program's first word is the absolute path that it was found at; 0: the word as it is. */
  readonly fullName: number;
}

/**
 * Runs a program of the caller's to its end, in the namespaces of this moment; it dies with the
 * launch. Its output is kept: ECHILD when it ends with another status than 0 and `alsoGood`, `%o` in
 * the text is what it printed.
 */
export interface RunOp {
  readonly kind: "run";
  /** The root that the program sees; "": that of this moment. */
  readonly root: string;
  /** An absolute path first. */
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly alsoGood: number;
  /** Capabilities that the program keeps; bits. */
  readonly ambient: number;
}

/**
 * Forks process 1 of an instance, in a session of its own, which carries out the rest and forks the
 * program as `fork` with `init` does; its end is not the end of process 1. The parent waits until the
 * program runs, writes the record and ends with status 0; it ends as process 1 if that fails, after
 * what the program printed so far. Until the record stands, the death of the parent is the death of
 * the instance. A signal that is sent to process 1 goes to the program's process group; when that is
 * gone, to all processes; when there are none, process 1 ends. A signal that asks for the end goes to
 * what the program leaves behind, too.
 *
 * The descriptors are inherited; no process of the instance keeps one of the caller's.
 */
export interface InstanceOp {
  readonly kind: "instance";
  /** Where the output and the errors of the program go. */
  readonly outFd: number;
  readonly errFd: number;
  /** Directory of the record. `name` plus ".json" is its file, which exists as a claim and is removed on failure. */
  readonly dirFd: number;
  readonly name: string;
  /** What follows the record's first line, `PID START`: process 1 and its start time in clock ticks since boot. */
  readonly record: Uint8Array;
  /** Directory and name of a file that gets the process id; -1 and empty: none. */
  readonly pidDirFd: number;
  readonly pidName: string;
  /** 1: the program is process 1 itself. */
  readonly boot: number;
  /** Printed when the instance runs. */
  readonly done: string;
}

/**
 * Enters namespaces and root of a process of the same user, by names as in /proc/PID/ns. ESRCH when
 * that process is gone: the id is another's when the start time (clock ticks since boot) differs.
 * EINVAL when its mount namespace is the caller's own. A PID namespace holds for children only.
 */
export interface EnterOp {
  readonly kind: "enter";
  readonly pid: number;
  readonly started: number;
  readonly names: readonly string[];
}

/**
 * One container for the processes of a job step. They meet at a file in `dir` (mode 0700, made when
 * missing) whose name is `name` and a hash of the environment's `variables`, or with none of them there
 * of the parent process where `parent` is 1. The file holds `about` and then a line of 32 bytes for each
 * member: `PID START`, padded with blanks.
 *
 * When a member lives, its namespaces and root are entered and the next `skip` ops are left out. Else
 * the file stays locked while this process carries them out as the first, with `firstEnv` added to its
 * environment. Who waits longer than `waitMs` for the first goes on alone, and so does who meets any
 * doubt: none of this is a failure.
 */
export interface ShareOp {
  readonly kind: "share";
  readonly dir: string;
  readonly name: string;
  readonly variables: readonly string[];
  readonly parent: number;
  /** 1: the program does not get the variables. */
  readonly drop: number;
  /** Namespaces, by names as in /proc/PID/ns. */
  readonly names: readonly string[];
  readonly skip: number;
  readonly waitMs: number;
  readonly firstEnv: readonly string[];
  /** For people and lists; a multiple of 32 bytes. */
  readonly about: string;
}

/** The end of what `share` may skip: makes this process a member that others can enter, and unlocks the file. */
export interface PublishOp {
  readonly kind: "publish";
}
