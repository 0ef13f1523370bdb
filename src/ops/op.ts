import type {
  AttrOp,
  CapsOp,
  CgroupOp,
  ChdirOp,
  CompanionOp,
  EnterOp,
  EnvironOp,
  ExecOp,
  ForkOp,
  HostnameOp,
  IdsOp,
  InstanceOp,
  JanitorOp,
  JoinOp,
  LoopbackOp,
  MeetOp,
  OwnersOp,
  PublishOp,
  RlimitOp,
  RunOp,
  SayOp,
  SeccompOp,
  ShareOp,
  UmaskOp,
  UnshareOp,
  WriteOp,
} from "./process-op.ts";
import type {
  BindOp,
  FileOp,
  FuseOp,
  LoopOp,
  MkdirOp,
  MountOp,
  OverlayOp,
  PivotOp,
  PropagationOp,
  RemountOp,
  SymlinkOp,
  UmountOp,
} from "./tree-op.ts";

/**
 * The closed vocabulary of kernel operations. A launch is a list of these, carried out in order
 * by the starter; there is no other way to have an effect on the container.
 *
 *   Plan ── lower() ──► Op[] ── encode() ──► bytes on a descriptor ──► starter (C)
 *
 * The table `OP_FIELDS` (op-fields.ts) is the wire schema: the C side (starter/op.h) is generated from it, so the
 * two cannot drift. Field kinds: `u32`, `u64`, `i32`, `str` (no NUL inside), `strs`, `bytes`.
 * A `u64` holds 0 to 2^53-1 exactly, and `Infinity` for all bits set (RLIM_INFINITY). An absent
 * `u32` or `u64` is 0.
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
  | OwnersOp
  | AttrOp
  | ChdirOp
  | SayOp
  | EnvironOp
  | ExecOp
  | RunOp
  | CgroupOp
  | WriteOp
  | CompanionOp
  | MeetOp
  | InstanceOp
  | EnterOp
  | ShareOp
  | PublishOp;

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
