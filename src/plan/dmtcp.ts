import { Fault } from "../base/fault.ts";
import type { LaunchRequest } from "./request.ts";

/** What `instance start` was asked to do with a checkpoint of DMTCP. */
export interface CheckpointRequest {
  readonly kind: "launch" | "restart";
  readonly name: string;
  /** What asked for it. */
  readonly why: string;
}

/** Where a container has the directory of its checkpoint. */
export const CHECKPOINT_TARGET = "/.checkpoint";
/** Files of a checkpoint: where its coordinator listens, and what starts the saved state again. */
export const PORT_FILE = "coord.port";
export const RESTART_SCRIPT = "dmtcp_restart_script.sh";
const LOG_FILE = "coord.log";

/** Where its programs look for its libraries first: in this directory beside their own. */
export const LIBRARY_FOLDER = "lib/dmtcp";

/** Programs and libraries of DMTCP that a container gets, as in a list of files for GPUs; and what they load that few images have. */
export const DMTCP_LIST = `
dmtcp_command
dmtcp_coordinator
dmtcp_discover_rm
dmtcp_get_libc_offset
dmtcp_launch
dmtcp_nocheckpoint
dmtcp_restart
dmtcp_rm_loclaunch
dmtcp_srun_helper
dmtcp_ssh
dmtcp_sshd
mtcp_restart
libatomic.so
libdmtcp.so
libdmtcp_alloc.so
libdmtcp_batch-queue.so
libdmtcp_dl.so
libdmtcp_ipc.so
libdmtcp_modify-env.so
libdmtcp_pathvirt.so
libdmtcp_pid.so
libdmtcp_svipc.so
libdmtcp_timer.so
libdmtcp_unique-ckpt.so
`;

/** How the program of the instance is started: under DMTCP, or from what DMTCP has saved. */
export function dmtcpWords(kind: CheckpointRequest["kind"]): NonNullable<LaunchRequest["under"]> {
  if (kind === "restart")
    return { words: [`${CHECKPOINT_TARGET}/${RESTART_SCRIPT}`], isWhole: true };
  const words = [
    ...["dmtcp_launch", "--coord-port", "0"],
    ...["--coord-logfile", `${CHECKPOINT_TARGET}/${LOG_FILE}`],
    ...["--port-file", `${CHECKPOINT_TARGET}/${PORT_FILE}`],
    ...["--ckptdir", CHECKPOINT_TARGET, "--no-gzip", "--ckpt-open-files"],
  ];
  return { words, isWhole: false };
}

/** How a coordinator is told to save, and waited for (the peer does not wait: what is stopped then has saved nothing); `port` is the first line of PORT_FILE. */
export function saveWords(port: string): readonly string[] {
  return ["dmtcp_command", "--coord-port", port, "-bc"];
}

const NAME = /^[A-Za-z0-9_.-]+$/;

/** Throws a Fault when a checkpoint cannot be called so. */
export function checkCheckpointName(name: string): void {
  if (NAME.test(name) && name !== "." && name !== "..") return;
  throw new Fault("usage", `Cannot use "${name}" as a checkpoint's name`, {
    exitCode: 255,
    hint: "use letters, digits and _ . -",
  });
}
