import { lookOnly, type PathStamp, type PathUse, stampPath } from "./path-stamp.ts";

/** Noted when a name service (LDAP, SSSD) was asked: its answers have no file that would show a change. */
export const NAME_SERVICE: string = "name-service:";

/** What planning a launch looked at and what it told the user. */
export interface LaunchTrace {
  /** Each path as it was before it was first used: one that changed since is another than planned with. */
  readonly stamps: readonly PathStamp[];
  /** Lines on standard error, in order, without their ends. */
  readonly lines: readonly string[];
}

let trace: { readonly paths: Map<string, PathStamp>; readonly lines: string[] } | undefined;
/** Paths that were also used for what they hold. */
let contents: Set<string>;
let writables: Map<string, boolean>;

/** From now on every path that reaches the kernel by host/syscall.ts is noted, and every message. */
export function startTrace(): void {
  trace = { paths: new Map(), lines: [] };
  contents = new Set();
  writables = new Map();
}

/** Notes a path; the stronger use counts. Costs nothing while no trace runs. */
export function notePath(path: string, use: PathUse): void {
  if (trace === undefined) return;
  if (!trace.paths.has(path)) trace.paths.set(path, stampPath(path, "content"));
  if (use === "content") contents.add(path);
}

/** Notes whether this user may write to a path that was noted. */
export function noteWritable(path: string, writable: boolean): void {
  if (trace !== undefined) writables.set(path, writable);
}

/** Notes a line, without its end, that the user was told. */
export function noteLine(line: string): void {
  trace?.lines.push(line);
}

/** Ends the trace and gives what was noted; undefined when none ran. */
export function endTrace(): LaunchTrace | undefined {
  const noted = trace;
  trace = undefined;
  if (noted === undefined) return undefined;
  const stamps = Array.from(noted.paths.values(), (whole): PathStamp => {
    const stamp = contents.has(whole.path) ? whole : lookOnly(whole);
    const writable = writables.get(whole.path);
    return writable === undefined ? stamp : { ...stamp, writable };
  });
  return { stamps, lines: noted.lines };
}
