/** How a path was used: only looked at (what it is), or for what it holds (opened, listed). */
export type PathUse = "look" | "content";

/** Noted when a name service (LDAP, SSSD) was asked: its answers have no file that would show a change. */
export const NAME_SERVICE: string = "name-service:";

/** What planning a launch looked at and what it told the user. */
export interface LaunchTrace {
  readonly paths: ReadonlyMap<string, PathUse>;
  /** Lines on standard error, in order, without their ends. */
  readonly lines: readonly string[];
}

let trace: { readonly paths: Map<string, PathUse>; readonly lines: string[] } | undefined;

/** From now on every path that reaches the kernel by host/syscall.ts is noted, and every message. */
export function startTrace(): void {
  trace = { paths: new Map(), lines: [] };
}

/** Notes a path; the stronger use counts. Costs nothing while no trace runs. */
export function notePath(path: string, use: PathUse): void {
  if (trace === undefined) return;
  if (use === "content" || !trace.paths.has(path)) trace.paths.set(path, use);
}

/** Notes a line, without its end, that the user was told. */
export function noteLine(line: string): void {
  trace?.lines.push(line);
}

/** Ends the trace and gives what was noted; undefined when none ran. */
export function endTrace(): LaunchTrace | undefined {
  const noted = trace;
  trace = undefined;
  return noted;
}
