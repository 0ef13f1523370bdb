import type { FaultText } from "../../ops/op.ts";
import type { Plan } from "../plan.ts";

const EPERM = 1;
const ENOENT = 2;
const E2BIG = 7;
const ENOEXEC = 8;
const ECHILD = 10;
const EACCES = 13;
const EBUSY = 16;
const EINVAL = 22;
const EISDIR = 21;
const ENOSPC = 28;
const ENOTDIR = 20;
const EROFS = 30;
const ELIBACC = 79;
const EDESTADDRREQ = 89;
const EUSERS = 87;

/** What is said when any part of the set-up fails, in the peer's frame. */
export function setupFault(what: string, hint = ""): FaultText[] {
  const end = hint === "" ? "" : `; ${hint}`;
  return [
    {
      errno: ENOSPC,
      text: `container creation failed: ${what}: %e; the user may have too many namespaces or mounts (user.max_user_namespaces, fs.mount-max)`,
    },
    { errno: 0, text: `container creation failed: ${what}: %e${end}` },
  ];
}

/** New namespaces: the commonest refusal of all, so every known reason has its remedy. */
export function unshareFaults(plan: Plan): FaultText[] {
  const what = "Failed to create user namespace";
  // Who maps the caller's root needs a capability of its own from Linux 5.12 on.
  const isRootMapped = plan.identity.uidMap.split("\n")[0]?.split(" ")[1] === "0";
  const rootNeeds = isRootMapped ? ", or root lacks CAP_SETFCAP" : "";
  return [
    {
      errno: ECHILD,
      text: `container creation failed: newuidmap could not map the ids of /etc/subuid: %o; ask the administrator to check /etc/subuid, /etc/subgid and the package uidmap`,
    },
    {
      errno: EPERM,
      text: plan.namespaces.user
        ? `${what}: user namespaces are not allowed here (kernel.unprivileged_userns_clone, an AppArmor restriction, or a container around this one${rootNeeds}); run "skiff doctor" for the remedy`
        : "Failed to create mount namespace: root lacks CAP_SYS_ADMIN here; try --userns",
    },
    {
      errno: ENOSPC,
      text: `${what}: the limit is reached (sysctl user.max_user_namespaces); ask the administrator to raise it`,
    },
    { errno: EUSERS, text: `${what}: namespaces are nested too deep (32 levels)` },
    { errno: 0, text: `${what}: %e` },
  ];
}

export function bindFaults(from: string, to: string, because: string): FaultText[] {
  const [source, target, why] = [from, to, because].map(escapePercent);
  const head = `container creation failed: mount ${source}->${target} error: while mounting ${source}`;
  return [
    {
      errno: EDESTADDRREQ,
      text: `${head}: destination ${target} doesn't exist in container (${why})`,
    },
    {
      errno: EACCES,
      text: `${head}: %e (${why}): ${target} is missing in a directory of the host that is not yours, or ${source} is closed to you; make the destination there first, or choose another`,
    },
    {
      errno: EROFS,
      text: `${head}: destination ${target} doesn't exist, and its directory is mounted read-only (${why}); make it there first, or choose another`,
    },
    {
      errno: ENOENT,
      text: `${head}: mount source ${source} doesn't exist, or ${target} cannot be made where it leads (${why})`,
    },
    {
      errno: ENOTDIR,
      text: `${head}: could not mount ${source}: not a directory (${why}); one is a file, the other a directory`,
    },
    { errno: 0, text: `${head}: %e (${why})` },
  ];
}

/** Something of the session's own, which exists: only the destination can be wrong. */
export function sessionFaults(to: string, because: string): FaultText[] {
  const [target, why] = [to, because].map(escapePercent);
  return [
    {
      errno: 0,
      text: `container creation failed: cannot mount on ${target}: %e (${why}); choose another destination`,
    },
  ];
}

/** The image's own mount; a file server that ended gives its last words. */
export function imageFaults(file: string, mounter: string, writable = false): FaultText[] {
  const busy = writable
    ? "for writing, currently in use by another process"
    : "for reading, currently in use for writing by another process";
  const path = escapePercent(file);
  return [
    {
      errno: EINVAL,
      text: `container creation failed: image driver mount failure: mounting ${path} with ${mounter}: %o; see that /dev/fuse is the FUSE device (mknod c 10 229), else the image may be damaged`,
    },
    {
      errno: EBUSY,
      text: `container creation failed: while locking ext3 partition from ${path}: can't open ${path} ${busy}; wait for the other container to end`,
    },
    {
      errno: 0,
      text: `container creation failed: image driver mount failure: mounting ${path} with ${mounter}: %o; the image may be damaged`,
    },
  ];
}

/** The program itself, in the peer's words. */
export function execFaults(plan: Pick<Plan, "process">): FaultText[] {
  const program = plan.process.candidates[0]?.argv[0] ?? "";
  return [
    { errno: ENOENT, text: escapePercent(plan.process.notFound) },
    { errno: EACCES, text: "permission denied" },
    { errno: EISDIR, text: "is a directory" },
    {
      errno: ELIBACC,
      text: `${escapePercent(program)}: no such file or directory: the program exists, but its interpreter or loader (the first line after #!, or the dynamic linker) is missing in the container`,
    },
    {
      errno: ENOEXEC,
      text: `${escapePercent(program)}: exec format error: the program is built for another machine, or is no program`,
    },
    { errno: E2BIG, text: `${escapePercent(program)}: argument list too long` },
    { errno: 0, text: `${escapePercent(program)}: %e` },
  ];
}

export function escapePercent(text: string): string {
  return text.replaceAll("%", "%%");
}
