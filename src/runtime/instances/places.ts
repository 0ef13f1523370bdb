import { userDirectory } from "../../config/user-directory.ts";
import { lstat, mkdir } from "../../host/syscall.ts";
import type { HostFacts } from "../../plan/facts.ts";

/** Directory of the records of a user's instances on this host. Not made here. */
export function recordDirectory(host: HostFacts): string {
  const accountHome = host.env["HOME"]?.startsWith("/") === true ? undefined : host.account?.home;
  const base = userDirectory({ env: host.env, accountHome, cwd: host.cwd });
  return recordsBelow(base, host.hostname, host.uid);
}

/** The same of another user with the usual places. */
export function recordDirectoryOf(host: HostFacts, home: string, uid: number): string {
  return recordsBelow(`${home}/.skiff`, host.hostname, uid);
}

/** The hostname parts hosts that share a home; the name says that no other program's records are here. */
function recordsBelow(base: string, hostname: string, uid: number): string {
  return `${base}/instances/run/${hostname}/${uid}`;
}

/**
 * Directory of the log files, where the reference tool has it: callers look there
 * (reference: runtime.md section 9).
 */
export function logDirectory(host: HostFacts): string {
  const hasOverride = ["SKIFF", "APPTAINER", "SINGULARITY"].some((prefix) =>
    host.env[`${prefix}_CONFIGDIR`]?.trim(),
  );
  const base = userDirectory({
    env: host.env,
    accountHome: host.account?.home,
    cwd: host.cwd,
  });
  const place = hasOverride ? base : base.replace(/\/\.skiff$/, "/.apptainer");
  return `${place}/instances/logs/${host.hostname}/${host.account?.name ?? host.uid}`;
}

/** Makes a directory and those above it, for the user alone; 0 or minus the errno. */
export function makeDirectories(path: string): number {
  if (lstat(path) !== undefined) return 0;
  const above = path.slice(0, path.lastIndexOf("/"));
  if (above !== "") {
    const error = makeDirectories(above);
    if (error < 0) return error;
  }
  const EEXIST = -17;
  const error = mkdir(path, 0o700);
  return error === EEXIST ? 0 : error;
}
